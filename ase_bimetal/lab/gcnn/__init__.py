"""Training of the graph-only network, and what its attention says."""
