"""Control state of the embedded store: trust, nodes and tokens; small, and kept apart from the flows."""
