"""From the graph of a network to the graph of its hardware, by named rewrites in one ordered list (`pipeline`)."""
