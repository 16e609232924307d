"""`make bench`: every figure in a process of its own, then all of them in one table.

python -m bench            # all
python -m bench sweep      # one
"""

import os
import subprocess
import sys
from pathlib import Path

from bench.figures import MARK, REACHED, SKIPPED

ROOT = Path(__file__).parent.parent
NAMES = (
    "wire",
    "first_scan",
    "memory",
    "intake",
    "scrape",
    "bucket",
    "bucket_daily",
    "sweep",
    "daily",
)


def main() -> int:
    names = sys.argv[1:] or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"there is no bench {unknown[0]!r}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    table: list[str] = []
    codes = []
    for name in names:
        print(f"\n== {name}", flush=True)
        code, figures = _run(name)
        codes.append(code)
        table += [f"{name:10} {line}" for line in figures or [f"ended with {code}"]]
    print("\n== all figures\n" + "\n".join(table))
    return int(any(code not in {REACHED, SKIPPED} for code in codes))


def _run(name: str) -> tuple[int, list[str]]:
    """Run one bench, showing what it prints. Gives its exit code and its figures."""
    paths = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", f"bench.{name}"],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line.rstrip())
    code = process.wait()
    return code, [line.removeprefix(MARK) for line in lines if line.startswith(MARK)] or lines[-1:]


if __name__ == "__main__":
    sys.exit(main())
