"""hwgen: from a DeepJSCC model specification to Verilog proven equal to its PyTorch model, bit for bit."""

__version__ = "0.1.0"
