"""What the product costs, as ratios measured side by side in one run."""

import sys
from pathlib import Path

# The small world of the tests (tests/world.py) is what terminals are made of here too.
_TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [str(_TESTS), str(_TESTS / "enforcer")]
