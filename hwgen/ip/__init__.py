"""`hwgen emit --ip`: an emitted design behind AXI4-Stream of a DMA's widths and AXI4-Lite registers.

registers.rdl describes the registers; registers.py, registers.h and registers.md are generated from it
(`python -m hwgen.ip.generate`), and the register file is built from registers.py.
"""
