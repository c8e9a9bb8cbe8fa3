"""A specification's layers as nodes of the integer graph, whose integers are random or trained."""
