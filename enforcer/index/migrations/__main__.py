"""Write the revision that brings the last one's tables to those of `tables.py`.

    python -m enforcer.index.migrations 0002 "Why the tables changed"

Until its release a revision can be deleted and written again.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command

from enforcer.index.engine import open_index, writing
from enforcer.index.migrations import configuration

_, identifier, why = sys.argv
with TemporaryDirectory() as directory:
    engine = open_index(f"sqlite:///{Path(directory) / 'index.db'}")
    with writing(engine) as connection:
        command.revision(configuration(connection), why, rev_id=identifier, autogenerate=True)
