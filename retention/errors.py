"""The one error tree: what can go wrong, as the person or program that meets it must tell it apart.

Every error a caller can act on is a `RetentionError`. Its text is one sentence that a person
can act on; `exit_code` is what a command ends with: 1 refused or violated, 2 usage or unknown.
Anything else that is raised is a bug and ends in a traceback.
"""


class RetentionError(Exception):
    """The root of the tree."""

    exit_code = 2


class MalformedError(RetentionError):
    """Bytes or text that are not what they claim to be: every codec raises this and no other."""


class PeriodError(MalformedError):
    """A retention period that is not one of PnD, PnW, PnM, PnY with n >= 1 (ISO 8601)."""


class ConfigError(RetentionError):
    """A user's mistake in a configuration, on a command line, or in the environment."""


class SignatureError(RetentionError):
    """A signature is missing, wrong, or of somebody who may not sign this."""

    exit_code = 1


class VerificationError(RetentionError):
    """A proof does not prove what it should (RFC 9162 section 2.1), or two records disagree."""

    exit_code = 1


class RefusedError(RetentionError):
    """A rule forbids what was asked; the text names the rule."""

    exit_code = 1


class StoreUnreachableError(RetentionError):
    """A store's root is not there, or is not the one enrolled: nothing is erased, nothing is 'gone'."""


class UnreadableError(RetentionError):
    """A part of a store could not be read: what is in it is not known, which is not 'gone'."""


class UnwritableError(RetentionError):
    """A file of our own could not be written into a store."""


class WithheldError(UnreadableError):
    """A storage has the bytes and gives them to nobody just now: archived, or under a key it cannot use."""


class GoneError(UnreadableError):
    """A name that led to a file a moment ago leads to none now."""


class UnreachableError(RetentionError):
    """The other side of a connection did not answer; trying again later may help."""
