"""Steering vectors: fitted on contrast texts, applied to the residual stream, kept in files. Knows nothing of surveys."""
