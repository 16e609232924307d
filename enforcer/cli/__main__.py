"""`python -m enforcer.cli`: the same as `enforcer`."""

import sys

from enforcer.cli import main

sys.exit(main())
