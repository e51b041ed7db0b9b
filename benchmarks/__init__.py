"""Side by side with the reference architecture and the plain way of doing things, in one run."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "training"))  # its modules import each other flat, as in the job
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its notes about drivers are not news
