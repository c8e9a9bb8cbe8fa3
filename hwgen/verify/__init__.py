"""`hwgen verify`: the emitted Verilog against the quantised PyTorch model, value by value."""
