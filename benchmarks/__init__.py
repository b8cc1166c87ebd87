"""What is fast, beside what: benchmarks that run from a plain checkout (``make bench``).

``python -m benchmarks.steps`` needs torch, numpy, pyarrow and safetensors, nothing installed.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

# Before torch is loaded, as in seqrec.settings: its threads do not spin for long.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")

ROOT = Path(__file__).parents[1]
if find_spec("seqrec") is None:
    sys.path.insert(0, str(ROOT / "src"))
