"""What an error of the operating system means for one file: an outcome, and a sentence for people."""

import errno

from agents.stores import Erased
from agents.stores.files.beneath import ForeignError
from retention.outcome import Outcome

_BLOCKED = {
    errno.EPERM: "It is marked immutable or append-only, or the agent may not remove it.",
    errno.EACCES: "The agent has no right to change this directory.",
    errno.EROFS: "The file system is mounted read-only.",
    errno.EBUSY: "Something is mounted on it, or the system uses it.",
    errno.ENOTDIR: "A file or a link stands where its directory was.",
    errno.ELOOP: "A link stands where its directory was.",
    errno.EXDEV: "The private directory lies on another file system.",
}
_FAILED = {
    errno.EIO: "The disk reported an error.",
    errno.ESTALE: "The server knows it no more by the handle it gave: it was replaced or exported anew.",
    errno.ENOSPC: "The disk is full, and so is its reserve.",
    errno.EDQUOT: "The quota is used up.",
    errno.EMFILE: "The agent has too many files open.",
    errno.ENOMEM: "The machine is out of memory.",
}


def outcome_of(number: int, error: OSError) -> Erased:
    """`blocked` where somebody has to act before it can work, `failed` where it may pass by itself."""
    if isinstance(error, ForeignError) or error.errno in _BLOCKED:
        return Erased(number, Outcome.BLOCKED, sentence_of(error))
    return Erased(number, Outcome.FAILED, sentence_of(error))


def sentence_of(error: OSError) -> str:
    """Tell an error without the name it happened to: names stay in the catalogue (I8)."""
    if isinstance(error, ForeignError):
        return str(error)
    number = error.errno or 0
    return _BLOCKED.get(number) or _FAILED.get(number) or f"{error.strerror}."
