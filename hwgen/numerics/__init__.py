"""The numeric contract: integers, complex integers, stream formats, packed words."""
