"""Parts of the comparison with peers; `run.py` beside this folder puts them together."""
