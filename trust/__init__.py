"""What is promised about bad input, faults and load, tried at full size: `make trust`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
