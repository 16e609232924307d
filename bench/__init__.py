"""What the product costs, as ratios measured side by side in one run."""

import sys
from pathlib import Path

# The small world of the tests (tests/world.py) is what terminals are made of here too.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
