"""The numeric contract: integers, complex integers, stream formats, packed words.

Plain numbers that import nothing else of hwgen: the graph, the components in rtl/ and the simulation in sim/ may all
import them, so that a format or a rounding is written down once.
"""
