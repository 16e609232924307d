"""Calls as a recorder leaves them: `CALL.wav`, `rx-CALL.wav`, `CALL.json`, `CALL-transcript.txt`."""

import re

from agents.stores import Part, Role

_NAMED = re.compile(rb"(?:rx-|tx-)?(?P<call>\d{8}-\d{6}-\d+)(?P<rest>.*)")


def parts(_directory: bytes, title: bytes) -> Part | None:
    """Which call a file of this name is part of, and as what."""
    named = _NAMED.fullmatch(title)
    if named is None:
        return None
    sound = named["rest"].endswith(b".wav")
    return Part(named["call"], Role.RECORDING if sound else Role.COMPANION)


def sound(name: str) -> bytes:
    """A little sound, another one for each name."""
    return b"RIFF" + bytes(4) + b"WAVE" + name.encode() * 10
