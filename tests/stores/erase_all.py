"""A program the fault tests run: erase, or recover, every file below a root; print the outcomes.

    python erase_all.py ROOT plan|erase|recover|look PLAN

`plan` writes down what is wanted, so that one run can recover what another one began.
"""

import os
import sys
from pathlib import Path

import msgspec
from stores.place import STORE, wanted

from agents.stores import Wanted
from agents.stores.tree.tree import Tree


def plan(store: Tree) -> dict[bytes, list[Wanted]]:
    """Want every file, numbered from 1 in the order of directories and names."""
    batch: dict[bytes, list[Wanted]] = {}
    number = 0
    for directory in sorted(store.directories(_never)):
        for found in sorted(store.listing(directory, _never)):
            number += 1
            batch.setdefault(directory, []).append(wanted(number, found))
    return batch


def _never(path: bytes, why: str) -> None:
    raise AssertionError(path, why)


def look(store: Tree) -> tuple[dict[str, str], list[str]]:
    """What a scan sees, and what it is told it cannot see."""
    unread: dict[bytes, str] = {}
    files = [
        (directory + b"/" + found.name).decode()
        for directory in store.directories(unread.__setitem__)
        for found in store.listing(directory, unread.__setitem__)
    ]
    return {path.decode(): why for path, why in unread.items()}, sorted(files)


def main(root: str, verb: str, file: str) -> None:
    store = Tree(os.fsencode(root), STORE, epoch=1)
    if verb == "plan":
        Path(file).write_bytes(msgspec.msgpack.encode(list(plan(store).items())))
    elif verb == "look":
        print(msgspec.json.encode(look(store)).decode())
    else:
        planned = msgspec.msgpack.decode(
            Path(file).read_bytes(), type=list[tuple[bytes, list[Wanted]]]
        )
        results = getattr(store, verb)(dict(planned))
        print(msgspec.json.encode([(r.number, r.outcome, r.detail) for r in results]).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
