"""Populations: the interaction graph, frozen snapshots, and the two stages built on them."""
