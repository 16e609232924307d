"""`enforcer ledger ...`: the proof."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from enforcer.cli import show, signing, words
from enforcer.cli.client import client
from enforcer.cli.language import say
from enforcer.cli.typed import day, parse_head
from enforcer.cli.verbs import Verbs
from enforcer.govern.forms.ledger import Checkpoint, Proofs, Verified
from retention import codec, ledger, merkle, note
from retention.ledger import Certificate, LastHead, verifiers
from retention.policy import Chain

#: What a certificate says, as people say it.
_WORDS: Mapping[str, str] = {
    "erased_verified": "erased, and seen to be gone",
    "already_absent": "gone before",
    "erasure": "two people asked for it",
    "late": "late arrival",
    "zombie": "back from a backup",
    "early": "before it was due",
    "in_time": "in time",
    "postponed": "later, with a reason",
    "overdue": "after our own target",
    "past_limit": "after the limit",
    "returned": "again",
}
#: By whether something was proved.
_EXIT_CODES = {True: 0, False: 2}


def declare(parser: ArgumentParser) -> None:
    """Add the verbs of `ledger`."""
    verbs = Verbs(parser)
    verbs.asking(
        "verify", verify, "have every entry hashed again and held against all that was published"
    )
    verbs.asking("checkpoint", checkpoint, "the newest one, signed, to keep where others are")
    proved = verbs.asking(
        "prove", prove, "certificates of one day, each proved to be in the ledger"
    )
    proved.add_argument("--store", required=True, metavar="ID", help="of the recordings")
    proved.add_argument(
        "--class", dest="record_class", required=True, metavar="NAME", help="of the recordings"
    )
    proved.add_argument("--date", required=True, type=day, help="when they were recorded")
    last = verbs.asking("succeed", succeed, "go on after a restore from a backup: two people")
    last.add_argument(
        "head", metavar="HEAD", help="the last checkpoint anybody knows: SIZE:ROOT, the root in hex"
    )
    signing.declare(last)


def verify(arguments: Namespace) -> int:
    """Exit code 0 only if all of it holds."""
    found = client(arguments).get("/v1/ledger/verify", Verified)
    if arguments.json:
        show.as_json(found)
    else:
        print(f"{found.proved} of {found.leaves} entries were published, and are unchanged.")
    return 0


def checkpoint(arguments: Namespace) -> int:
    """The note, whose signature is checked here."""
    me = client(arguments)
    found = me.get("/v1/ledger/checkpoint", Checkpoint)
    if found.note:
        note.open_note(found.note, verifiers(signing.chain(me)))
    if arguments.json:
        show.as_json(found)
    else:
        print(found.note or "The ledger is empty.")
    return 0


def prove(arguments: Namespace) -> int:
    """What was erased of that day; every proof is verified here, not by whoever sent it."""
    me = client(arguments)
    found = me.get(
        "/v1/ledger/proofs",
        Proofs,
        **{"store": arguments.store, "class": arguments.record_class, "date": str(arguments.date)},
    )
    certificates = _verified(found, signing.chain(me))
    if arguments.json:
        show.as_json(found)
        return _EXIT_CODES[bool(certificates)]
    if not certificates:
        print(
            say(
                "There is no certificate of that day: nothing of it was erased, or none was made yet."
            )
        )
        return _EXIT_CODES[False]
    for certificate in certificates:
        counted = ", ".join(
            f"{count.items} {_said(count.outcome)} ({_said(count.why)}, {_said(count.timing)})"
            for count in certificate.counts
        )
        said = "{moment}: {items} items: {outcomes}"
        at = show.moment(certificate.at)
        print(say(said, moment=at, items=certificate.items, outcomes=counted))
    said = "{count} certificates, each proved to be in the ledger."
    print(say(said, count=len(certificates)))
    return 0


def _said(word: str) -> str:
    return say(_WORDS.get(word, word))


def succeed(arguments: Namespace) -> int:
    """The first of two signatures."""
    me = client(arguments)
    size, root = parse_head(arguments.head)
    told = (arguments.reason,)
    head = LastHead(at=me.now(), reason=arguments.reason.commitment, size=size, root=root)
    said = words.of_head(head, told)
    return signing.propose(me, "act", codec.encode(head), said, arguments, told)


def _verified(found: Proofs, chain: Chain) -> list[Certificate]:
    text = note.open_note(found.checkpoint, verifiers(chain))
    head = note.Checkpoint.parse(text)
    certificates = []
    for proof in found.proofs:
        hashed = merkle.leaf_hash(proof.leaf)
        merkle.verify_inclusion(hashed, proof.position, head.size, proof.inclusion, head.root)
        leaf = ledger.decode(proof.leaf)
        if isinstance(leaf, Certificate):
            certificates.append(leaf)
    return certificates
