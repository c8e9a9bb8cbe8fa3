"""Amaranth components of the streaming datapath.

Plain numbers and shapes go in, never a graph node. Each component states its latency, its interval and its cost
beside the logic that has them; the sizing and the predictions call the very same properties.
"""
