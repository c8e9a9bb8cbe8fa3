"""The radio channel in float64, and what a design has on either side of it."""
