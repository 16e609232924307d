"""Two people's documents from the command line: shown in words, signed here, with one's own key."""

import secrets
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from enforcer.cli import show, words
from enforcer.cli.client import Client
from enforcer.govern import papers
from enforcer.govern.forms.documents import Document, PolicyDocuments, Signed
from retention import acts, envelope
from retention.acts import AnyAct
from retention.envelope import Envelope
from retention.errors import ConfigError, RefusedError
from retention.policy import Chain, follow


def declare(parser: ArgumentParser, *, reason: bool = True) -> None:
    """Add the options that go with signing."""
    if reason:
        declare_reason(parser)
    parser.add_argument("--yes", action="store_true", help="sign without being asked")


def declare_reason(parser: ArgumentParser) -> None:
    """Add --reason: no pattern knows a plain name, so whoever types one is told who reads it."""
    parser.add_argument(
        "--reason",
        required=True,
        help="why; inspectors may read it: no name, no number, nothing of a person",
    )


def new_id(kind: str) -> str:
    """A name for a document that nobody used before."""
    return f"{kind}-{secrets.token_hex(6)}"


def propose_act(me: Client, act: AnyAct, arguments: Namespace) -> int:
    """Show, sign and propose an act."""
    return propose(me, "act", acts.encode(act), words.of_act(act), arguments)


def propose(
    me: Client, kind: str, payload: bytes, said: Iterable[str], arguments: Namespace
) -> int:
    """Show what it says, sign its bytes, and hand it in."""
    confirm(said, arguments)
    sealed = envelope.seal(kind, payload, [me.key])
    return report(me.post("/v1/documents", Signed(sealed), Document), arguments)


def countersign(me: Client, document: Document, arguments: Namespace) -> int:
    """Show what somebody proposed, as its bytes say it, and sign the very same bytes."""
    confirm(words.of_paper(papers.read(document.envelope), chain(me).current), arguments)
    theirs = document.envelope
    bare = Envelope(payload=theirs.payload, payload_type=theirs.payload_type, signatures=())
    signed = Signed(envelope.countersign(bare, me.key))
    return report(me.post(f"/v1/documents/{document.id}/sign", signed, Document), arguments)


def confirm(said: Iterable[str], arguments: Namespace) -> None:
    """Show what would be signed; `RefusedError` unless the person wants it."""
    for line in said:
        show.warn(line)
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nobody is there to ask: add --yes to sign this")
    sys.stderr.write("Sign this? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes", "j", "jā"}:
        raise RefusedError("not signed")


def report(document: Document, arguments: Namespace) -> int:
    """Say what became of it."""
    if arguments.json:
        show.as_json(document)
    elif document.state == "proposed":
        roles = " or ".join(document.roles)
        print(
            f"{document.id} is proposed. A second person, {roles}: enforcer approve {document.id}"
        )
    else:
        print(f"{document.id} is {document.state}, signed by {' and '.join(document.signed_by)}.")
        if document.waiting_for:
            print(f"Waiting for {', '.join(document.waiting_for)} to carry it out.")
    return 0


def chain(me: Client) -> Chain:
    """The policy, verified from this person's own pin."""
    return follow(me.get("/v1/policies", PolicyDocuments).policies, me.pin)
