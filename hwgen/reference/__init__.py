"""The reference of a design: the quantised PyTorch model in float64."""
