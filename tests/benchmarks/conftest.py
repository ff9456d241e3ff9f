import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path += [str(BENCHMARKS), str(BENCHMARKS / "peers")]
collect_ignore_glob = [] if BENCHMARKS.is_dir() else ["test_*.py"]  # a source archive has no benchmarks
