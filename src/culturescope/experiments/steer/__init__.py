"""Experiments with steering: measure changes, search blocks, sweep coefficients, entangle, aim."""
