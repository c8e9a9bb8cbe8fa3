"""Integer intermediate representation: the graph, its interpreter, its files."""
