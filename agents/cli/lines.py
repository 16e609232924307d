"""Names of files in what is printed for people."""


def one_line(text: str) -> str:
    """The same on one line, without what could move a terminal's cursor: a name can be any bytes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
