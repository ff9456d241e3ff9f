"""Experiments: the order of the steps, and nothing of how a forward pass works."""
