"""Two people's documents from the command line: shown in words, signed here, with one's own key."""

import secrets
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from enforcer import home
from enforcer.cli import show, words
from enforcer.cli.client import Client
from enforcer.cli.language import say, singular
from enforcer.govern import drafts, papers
from enforcer.govern.forms.documents import Document, PolicyDocuments, Proposal, Signed
from retention import acts, codec, envelope
from retention.acts import AnyAct
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.errors import ConfigError, RefusedError
from retention.ledger import SALT_BYTES
from retention.policy import Chain, follow
from retention.reasons import SaltedReason

WHO_READS = "why; for people at the centre alone, until it is shredded"


def declare(parser: ArgumentParser, *, reason: bool = True) -> None:
    """Add the options that go with signing."""
    if reason:
        parser.add_argument("--reason", type=salted, required=True, help=WHO_READS)
    parser.add_argument("--yes", action="store_true", help="sign without being asked")


def salted(words: str) -> SaltedReason:
    """What somebody typed, with what makes a commitment to it that nobody can try out."""
    return SaltedReason(secrets.token_bytes(SALT_BYTES), words)


class DrawnUp(TypedDict):
    """What every act says (`acts.Act`)."""

    id: str
    at: Instant
    reason: str


def drawn_up(me: Client, kind: str, arguments: Namespace) -> DrawnUp:
    """An id that nobody used before, the time, and what commits to the reason that was typed."""
    id_ = f"{kind}-{secrets.token_hex(6)}"
    return DrawnUp(id=id_, at=me.now(), reason=arguments.reason.commitment)


def propose_act(me: Client, act: AnyAct, arguments: Namespace) -> int:
    """Show, sign and propose an act, which commits to the reason that was typed."""
    told = (arguments.reason,)
    return propose(me, "act", acts.encode(act), words.of_act(act, told), arguments, told)


def propose(  # noqa: PLR0917 - what is signed, what is shown of it, what stays unsigned
    me: Client,
    kind: str,
    payload: bytes,
    said: Iterable[str],
    arguments: Namespace,
    told: Sequence[SaltedReason] = (),
) -> int:
    """Show what it says, sign its bytes, and hand it in with what its reasons commit to."""
    confirm(said, arguments)
    sealed = envelope.seal(kind, payload, [me.key])
    form = Proposal(sealed, tuple(told))
    return report(me.post("/v1/documents", form, Document), arguments)


def propose_next(me: Client, chain: Chain, arguments: Namespace, **changes: Any) -> int:
    """Show, sign and propose the present policy with these changes, as its next version."""
    policy = drafts.successor(chain, now=me.now(), today=home.today(me.now()), **changes)
    said = words.of_policy(chain.current, policy)
    return propose(me, papers.POLICY, codec.encode(policy), said, arguments)


def countersign(me: Client, document: Document, arguments: Namespace) -> int:
    """Show what somebody proposed, as its bytes say it, and sign the very same bytes.

    `VerificationError` if the reason that the enforcer shows is not the one that they commit to.
    """
    paper = papers.read(document.envelope)
    confirm(words.of_paper(paper, chain(me).current, document.reasons), arguments)
    theirs = document.envelope
    bare = Envelope(payload=theirs.payload, payload_type=theirs.payload_type, signatures=())
    signed = Signed(envelope.countersign(bare, me.key))
    return report(me.post(f"/v1/documents/{document.id}/sign", signed, Document), arguments)


def confirm(said: Iterable[str], arguments: Namespace) -> None:
    """Show what would be signed; `RefusedError` unless the person wants it."""
    for line in said:
        show.warn(singular(line))
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nobody is there to ask: add --yes to sign this")
    sys.stderr.write(say("Sign this? [y/N] "))
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes", "j", "jā"}:
        raise RefusedError("not signed")


def report(document: Document, arguments: Namespace) -> int:
    """Say what became of it."""
    if arguments.json:
        show.as_json(document)
    elif document.state == "proposed":
        said = "{id} is proposed. A second person ({roles}) signs it: enforcer approve {id}"
        print(say(said, id=document.id, roles=", ".join(document.roles)))
    else:
        said = "{id} is {state}; signed by {people}."
        people = ", ".join(document.signed_by)
        print(say(said, id=document.id, state=say(document.state), people=people))
        if document.waiting_for:
            stores = ", ".join(document.waiting_for)
            print(say("To be carried out by {stores}.", stores=stores))
        elif (document.kind, document.state) == (papers.POLICY, "approved"):
            print(say("Put it in force: enforcer policy publish {id}", id=document.id))
    return 0


def chain(me: Client) -> Chain:
    """The policy, verified from this person's own pin."""
    return follow(me.get("/v1/policies", PolicyDocuments).policies, me.pin)
