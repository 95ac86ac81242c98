"""The typed model: its nodes, its graphs, its invariants, its text."""
