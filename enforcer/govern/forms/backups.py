"""Forms about backups."""

from enforcer.govern.forms.form import Form
from retention.bundle import Backup


class Backups(Form, frozen=True):
    """All sets."""

    backups: tuple[Backup, ...]


class Forgotten(Form, frozen=True):
    """The set of this name is no more."""

    name: str
