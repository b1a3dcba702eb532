"""The shared generator and file format from remoe-core, and where this module's files go."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[3] / "remoe-core" / "src" / "test" / "python"))
GOLDEN = HERE.parent / "resources" / "golden"

from deterministic import make, packed, recipe, rounded, values, write  # noqa: E402,F401
