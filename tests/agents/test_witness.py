"""The agent as a witness of the ledger, and what two people may tell it of a restored one."""

import msgspec
import pytest
from world import KEYS, World

from retention import codec, envelope
from retention.calendar import DAY
from retention.envelope import Envelope
from retention.ledger import LastHead
from retention.wire import Fetched


def _seen(world: World) -> tuple[int, bytes]:
    return world.agent.catalogue.one("SELECT ledger_size, ledger_root FROM agent")


def _restored(world: World) -> tuple[int, bytes]:
    """The centre has forgotten its last leaf and written another. Gives the head from before."""
    world.centre.leaves = [b"one", b"two", b"three"]
    world.agent.talk()
    assert not world.agent.exchange.ledger_refused
    before = _seen(world)
    world.centre.leaves[2:] = [b"another", b"and another"]
    world.agent.talk()
    assert world.agent.exchange.ledger_refused
    return before


def _tells(world: World, size: int, root: bytes, *names: str) -> Envelope:
    """From now on the centre says that these people signed what its last head was."""
    last = LastHead(world.true.now, "restored", size, root)
    sealed = envelope.seal("act", codec.encode(last), [KEYS[name] for name in names])

    def twist(fetched: Fetched) -> Fetched:
        return msgspec.structs.replace(fetched, succession=sealed)

    world.centre.twist = twist
    world.agent.talk()
    return sealed


def test_a_restored_ledger_is_believed_when_two_people_say_where_it_ended(world: World):
    before = _restored(world)
    _tells(world, *before, "anna", "boris")
    assert not world.agent.exchange.ledger_refused
    assert 4 == _seen(world)[0]
    world.centre.leaves.append(b"onwards")
    world.agent.talk()
    assert not world.agent.exchange.ledger_refused


@pytest.mark.parametrize("names", [(), ("anna",), ("anna", "anna"), ("anna", "mallory")])
def test_nobody_alone_makes_a_ledger_begin_anew(world: World, names: tuple[str, ...]):
    before = _restored(world)
    _tells(world, *before, *names)
    assert world.agent.exchange.ledger_refused
    assert before == _seen(world)


@pytest.mark.parametrize("off", ["size", "root"])
def test_what_they_sign_must_not_leave_out_what_the_agent_saw(world: World, off: str):
    size, root = _restored(world)
    last = (size - 1, root) if off == "size" else (size, bytes(32))
    _tells(world, *last, "anna", "boris")
    assert world.agent.exchange.ledger_refused


def test_two_signatures_are_worth_one_new_beginning(world: World):
    size, root = _restored(world)
    _tells(world, size + 9, root, "anna", "boris")
    assert not world.agent.exchange.ledger_refused
    world.true.pass_(DAY)
    world.centre.leaves[1:] = [b"a third", b"history"]
    world.agent.talk()
    assert world.agent.exchange.ledger_refused
