"""What a design is compared with: the quantised PyTorch model in float64."""
