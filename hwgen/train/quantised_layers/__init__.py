"""The layers of the quantised network, a kind a file: integers times powers of two in, the same out."""
