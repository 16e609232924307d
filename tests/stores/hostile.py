"""Names that a file can really have, and that careless programs stumble over."""

from hypothesis import strategies as st

LONGEST = 255  # bytes; ext4, xfs and btrfs agree

INFAMOUS = [
    b"-rf",
    b"--",
    b"*",
    b"..foo",
    b"...",
    b" ",
    b"a b\tc",
    b"two\nlines",
    b"\n",
    b"\r\x1b[2Jcleared",
    b"\xff\xfe not utf-8",
    b"half \xc3",
    "\u0101.jpg".encode(),  # composed
    "a\u0304.jpg".encode(),  # the same to the eye
    "\u202egpj.exe".encode(),  # written backwards
    "\U0001f4f7".encode() * 63,
    b"$(reboot)",
    b"; rm -rf ~",
    b"%s%n",
    b"C:\\con",
    b".retention.",
    b"returned-1-1",
    b"x" * LONGEST,
    b"\xff" * LONGEST,
]

_bytes_of_names = st.binary(min_size=1, max_size=LONGEST).map(
    lambda raw: raw.translate(None, b"/\0") or b"_"
)

_NOT_FOR_FILES = {b".", b"..", b".retention"}  # the last is the store's own

names = (st.sampled_from(INFAMOUS) | _bytes_of_names).filter(
    lambda name: name not in _NOT_FOR_FILES
)

directories = st.lists(names, max_size=4).map(b"/".join)

trees = st.dictionaries(directories, st.sets(names, max_size=5), max_size=5)
"""Files by directory. An example may want one name to be a directory and a file."""

IMPOSSIBLE_NAMES = [b"", b".", b"..", b"a/b", b"/etc/passwd", b"../up", b"nul\0byte"]
IMPOSSIBLE_DIRECTORIES = [b"/", b"/etc", b"a//b", b"a/", b"..", b"a/../b", b"./a", b"a\0b"]
