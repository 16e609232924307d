"""Packets as a media proxy recorded them (libpcap's file format; RFC draft opsawg-pcap): the first one's time.

A capture has no header with a date, but every packet has its second, counted from 1970 in UTC. Of
pcapng nothing is read: the proxies met so far do not write it.
"""

from collections.abc import Iterator

from retention.probes.candidate import Finding, TimeSource
from retention.probes.source import Reader
from retention.probes.strptime import candidate_of

_LITTLE_ENDIAN = (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_HEADER_BYTES = 24


def read_pcap(reader: Reader) -> Iterator[Finding]:
    """Yield when the first packet passed; nothing if none did."""
    magic = reader.exactly(0, 4)
    if magic == _PCAPNG:
        return
    little = magic in _LITTLE_ENDIAN
    seconds = int.from_bytes(reader.exactly(_HEADER_BYTES, 4), "little" if little else "big")
    candidate = candidate_of(TimeSource.PCAP, {"s": str(seconds)}, tag="first packet")
    if candidate:
        yield candidate
