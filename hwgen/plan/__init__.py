"""Passes over the integer graph: pure functions from a graph and a board to a sized plan and its predictions."""
