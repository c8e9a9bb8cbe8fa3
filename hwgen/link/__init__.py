"""`hwgen link`: an image through the transmitter's Verilog, a radio channel and the receiver's Verilog.

    image -> TX RTL (Verilator) -> channel (NumPy, from a seed) -> RX RTL (Verilator) -> image
    image -> PyTorch transmitter -> the same channel -> PyTorch receiver -> image: every pixel must be equal

docs/link.md: the commands, the definitions, measured curves.
"""
