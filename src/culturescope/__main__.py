"""Makes `python -m culturescope` the same as `culturescope`."""

from culturescope.cli import main

main()
