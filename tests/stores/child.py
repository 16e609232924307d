"""How a test starts the programs that lie beside it."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE.parent.parent), *sys.path]),
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""What is importable here is importable there, and nothing is written besides."""
