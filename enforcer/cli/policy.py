"""`enforcer policy ...`: the rules."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from enforcer import home
from enforcer.cli import explaining, show, signing, source, words
from enforcer.cli.client import client
from enforcer.cli.language import singular
from enforcer.cli.typed import parse_public_key, read_text
from enforcer.cli.verbs import Verbs
from enforcer.govern import drafts
from enforcer.govern.forms.documents import Document
from enforcer.govern.forms.form import Empty
from retention import codec
from retention.errors import ConfigError, MalformedError
from retention.policy import Policy


class Checked(msgspec.Struct, frozen=True):
    """A draft without a mistake has so many of them."""

    classes: int
    sources: int


def declare(parser: ArgumentParser) -> None:
    """Add the verbs of `policy`."""
    verbs = Verbs(parser)
    shown = verbs.asking("show", show_policy, "what is in force, and the sentences to publish")
    shown.add_argument("--version", type=int, help="an earlier one")
    shown.add_argument("--toml", action="store_true", help="as a draft of the next one")
    checked = verbs.offline("check", check, "say what is wrong with a draft; asks nobody")
    checked.add_argument("file", type=Path, metavar="FILE", help="the draft (TOML)")
    show.declare(checked)
    why = verbs.offline("explain", explain, "say when a recording goes, and why; asks nobody")
    why.add_argument(
        "--class", dest="record_class", required=True, metavar="NAME", help="of the recording"
    )
    why.add_argument(
        "--anchor",
        required=True,
        metavar="TIME",
        help="when the recording began; - reads one from each line of the input",
    )
    why.add_argument(
        "--policy", type=Path, metavar="FILE", help="a draft [the classes of the notice]"
    )
    show.declare(why)
    proposed = verbs.asking(
        "propose", propose, "propose the draft of a next version: two owners sign it"
    )
    proposed.add_argument("file", type=Path, metavar="FILE", help="the draft (TOML)")
    signing.declare(proposed, reason=False)
    signed = verbs.asking("sign", sign, "sign as the second owner; the same as `approve`")
    signed.add_argument("id", metavar="ID", help="as `approve` lists it")
    signing.declare(signed, reason=False)
    changed = verbs.asking(
        "keys",
        change_keys,
        "propose a next version with other keys of the enforcer: two owners sign it",
    )
    for name in ("directive", "ledger"):
        changed.add_argument(
            f"--{name}",
            action="append",
            metavar="HEX",
            help=f"a public {name} key, as `enforcer doctor` prints it; once for each, those not named go"
            " [as they are]",
        )
    signing.declare(changed, reason=False)
    verbs.asking("publish", publish, "put a version in force that two owners signed").add_argument(
        "id", metavar="ID", help="as `approve` lists it"
    )


def show_policy(arguments: Namespace) -> int:
    """One version."""
    chain = signing.chain(client(arguments))
    version = arguments.version or chain.current.version
    found = next((p for p in chain.policies if p.version == version), None)
    if found is None:
        raise ConfigError(
            f"there is no policy version {version}; the newest is {chain.current.version}"
        )
    if arguments.json:
        show.as_json(found)
    elif arguments.toml:
        print(drafts.write(found))
    else:
        _print(found)
    return 0


def check(arguments: Namespace) -> int:
    """Raises what is wrong."""
    draft = explaining.checked(read_text(arguments.file))
    if arguments.json:
        show.as_json(Checked(len(draft.classes), len(draft.sources)))
        return 0
    counted = f"{len(draft.classes)} classes, {len(draft.sources)} sources"
    print(f"{arguments.file}: {singular(counted)}, no mistake.")
    return 0


def explain(arguments: Namespace) -> int:
    """One time, or one JSON object per line of standard input."""
    text = drafts.built_in() if arguments.policy is None else read_text(arguments.policy)
    explained = explaining.Explainer(explaining.checked(text), arguments.record_class)
    if arguments.anchor == "-":
        for number, line in enumerate(sys.stdin, start=1):
            try:
                show.as_json(explained.of(line.strip()))
            except MalformedError as error:
                raise MalformedError(f"line {number}: {error}") from error
        return 0
    found = explained.of(arguments.anchor)
    if arguments.json:
        show.as_json(found)
        return 0
    print(found.sentence)
    for name in ("due_at", "must_be_gone_by", "outer_bound"):
        print(f"{name:16}{getattr(found, name) or '-'}")
    return 0


def propose(arguments: Namespace) -> int:
    """The first owner's signature."""
    me = client(arguments)
    chain = signing.chain(me)
    draft = drafts.read(read_text(arguments.file), drafts.first_owner(chain.current.people))
    draft, told = drafts.committed(draft, chain, signing.salted)
    today = home.today(me.now())
    policy = drafts.next_policy(chain, draft, now=me.now(), today=today)
    said = words.of_policy(chain.current, policy, told)
    return signing.propose(me, "policy", codec.encode(policy), said, arguments, told)


def change_keys(arguments: Namespace) -> int:
    """A new key is named beside the old one first, and the old one dropped once nobody needs it."""
    me = client(arguments)
    chain = signing.chain(me)
    given = {"directive_keys": arguments.directive, "ledger_keys": arguments.ledger}
    changes = {
        name: tuple(parse_public_key(text) for text in keys)
        for name, keys in given.items()
        if keys is not None
    }
    if not changes:
        raise ConfigError("name the keys: --directive HEX or --ledger HEX")
    return signing.propose_next(me, chain, arguments, **changes)


def sign(arguments: Namespace) -> int:
    """The second owner's signature."""
    me = client(arguments)
    return signing.countersign(me, me.get(f"/v1/documents/{arguments.id}", Document), arguments)


def publish(arguments: Namespace) -> int:
    """In force from now on."""
    me = client(arguments)
    document = me.post(f"/v1/documents/{arguments.id}/publish", Empty(), Document)
    return signing.report(document, arguments)


def _print(policy: Policy) -> None:
    print(f"Policy version {policy.version}, for recordings from {policy.effective_from} on.")
    for each in policy.classes:
        bound = "no longer than" if each.bound == "maximum" else "no shorter than"
        print(f"{each.name}: kept {bound} {each.period}, counted from {each.anchor} ({each.zone}).")
        print(f"  {each.purpose}; {each.legal_basis}; {each.notice}; answers for it: {each.owner}")
    if policy.sources:
        source.print_table(policy.sources)
