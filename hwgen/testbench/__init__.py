"""Parts of a test bench for an emitted design, to use in a regression of one's own.

- `golden`: the design's answer for any frame, from its folder alone (NumPy), and frames of many kinds;
- `scoreboard`: exact comparison that names the first difference;
- `handshake`: the rules of VALID and READY;
- `streams`: source, sink and monitor for cocotb, on cocotbext-axi;
- `bench`: all of them around a design, in one line;
- `python -m hwgen.testbench FOLDER`: the same frames as files for $readmemh, for benches that are not Python.

The first three need neither cocotb nor a simulator. Every simulator that cocotb drives will do.
"""
