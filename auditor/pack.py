"""`python -m auditor.pack FILE`: the auditor as one file that needs only Python.

A zip file that Python runs (PEP 441): the auditor, `retention`, the two libraries in pure Python that
they use, and stand-ins for the two in C. The same sources give the same bytes.
"""

import sys
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_OLDEST_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_SHEBANG = b"#!/usr/bin/env python3\n"
_MAIN = b"import sys\n\nfrom auditor.cli import main\n\nsys.exit(main())\n"
_PACKAGES = ("auditor", "retention", "exifread", "tzdata")
_STANDINS = Path(__file__).parent / "standins"


def main(target: Path) -> None:
    """Write it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.write(_SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in sorted(_contents()):
                info = zipfile.ZipInfo(name, _OLDEST_DATE)
                info.external_attr = _MODE
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, data)
    target.chmod(0o755)


def _contents() -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", _MAIN
    for package in _PACKAGES:
        yield from _files(_place(package), package)
    yield "msgspec.py", (_STANDINS / "msgspec.py").read_bytes()
    yield from _files(_STANDINS / "nacl", "nacl")


def _files(directory: Path, name: str) -> Iterator[tuple[str, bytes]]:
    for path in directory.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"{name}/{path.relative_to(directory).as_posix()}", path.read_bytes()


def _place(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed")
    return Path(spec.origin).parent


if __name__ == "__main__":
    main(Path(sys.argv[1]))
