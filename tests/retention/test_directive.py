"""What enforcer and agent say to each other: whose it is, for whom, and not from yesterday."""

from datetime import date

import msgspec
import pytest
from altered import a_change, taken_for
from any_document import documents
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policy import CALL, DIRECTIVE_KEY, IMAGE, KEYS, PUBLIC

from retention import codec, directive, envelope, hold, wire
from retention.calendar import DAY, Instant
from retention.directive import LAST_BY_CLOCK, MOST_CHANGES, Directive, Due, Time
from retention.envelope import Envelope
from retention.errors import MalformedError, SignatureError, VerificationError
from retention.hold import ItemRef, StoreHold

NOW = Instant(1_773_135_000)
KEY = bytes(DIRECTIVE_KEY.verify_key)
SAID = Directive(
    store="riga-001",
    epoch=1,
    version=NOW * 1000,
    issued_at=NOW,
    expires_at=Instant(NOW + 3 * DAY),
    policy=2,
    policy_digest=bytes(32),
    due=(
        Due(IMAGE, 1, date.min, date(2026, 1, 1)),
        Due(CALL, 2, date(2025, 6, 1), date(2025, 7, 1)),
    ),
    holds=(
        StoreHold(
            "hold-1",
            Instant(NOW - 900),
            Instant(NOW + 900),
            ("front",),
            (ItemRef("riga-001", 1, 7, "front", NOW, NOW, b"f" * 16),),
        ),
    ),
    acts=(envelope.seal("act", b"words", [KEYS["clara"]]),),
)
ANSWER = Time("riga-001", b"nonce", NOW)


def sealed(document: msgspec.Struct, kind: str, key: object = DIRECTIVE_KEY) -> Envelope:
    return envelope.seal(kind, codec.encode(document), [key])


def accepted(found: Envelope, **changes: object) -> Directive:
    facts = {"keys": [KEY], "store": "riga-001", "known_version": SAID.version}
    return directive.accept(found, **(facts | changes))


def test_a_directive_of_the_enforcer_for_this_store_is_accepted():
    assert accepted(sealed(SAID, "directive")) == SAID
    assert directive.opened(sealed(SAID, "directive")) == SAID


def test_the_version_in_force_may_be_fetched_again_and_no_older_one():
    newer = msgspec.structs.replace(SAID, version=SAID.version + 1)

    assert newer == accepted(sealed(newer, "directive"))
    with pytest.raises(VerificationError, match="is older than"):
        accepted(sealed(SAID, "directive"), known_version=newer.version)


@pytest.mark.parametrize("known", [0, SAID.version, LAST_BY_CLOCK, LAST_BY_CLOCK + 5])
def test_there_is_always_a_version_for_a_later_one(known):
    furthest = max(LAST_BY_CLOCK, known + MOST_CHANGES)
    last = msgspec.structs.replace(SAID, version=furthest)
    beyond = msgspec.structs.replace(SAID, version=furthest + 1)

    assert last == accepted(sealed(last, "directive"), known_version=known)
    assert last.version < 2**53 - 2**50
    with pytest.raises(VerificationError, match="leaves no version"):
        accepted(sealed(beyond, "directive"), known_version=known)
    assert beyond == accepted(sealed(beyond, "directive"), known_version=None)


def test_one_that_has_expired_still_tells_of_holds():
    expired = msgspec.structs.replace(SAID, expires_at=Instant(0), issued_at=Instant(0))

    assert expired == accepted(sealed(expired, "directive"))


def test_a_directive_for_another_store_is_refused():
    with pytest.raises(VerificationError, match="another store"):
        accepted(sealed(SAID, "directive"), store="riga-002")


def test_nobody_but_the_enforcer_directs():
    with pytest.raises(SignatureError):
        accepted(sealed(SAID, "directive", KEYS["anna"]))
    with pytest.raises(SignatureError):
        accepted(sealed(SAID, "directive"), keys=[PUBLIC["anna"]])
    with pytest.raises(SignatureError):
        accepted(sealed(SAID, "directive"), keys=[])


def test_the_key_before_a_rotation_still_counts_while_the_policy_names_it():
    assert SAID == accepted(sealed(SAID, "directive"), keys=[PUBLIC["anna"], KEY])


@pytest.mark.parametrize("kind", ["time", "act", "policy", "request"])
def test_no_other_document_passes_for_a_directive(kind):
    with pytest.raises(MalformedError):
        accepted(sealed(SAID, kind))
    with pytest.raises(MalformedError):
        accepted(sealed(ANSWER, "directive"))


@given(st.data())
def test_an_altered_directive_is_not_accepted(data):
    known = envelope.encode(sealed(SAID, "directive"))
    altered = data.draw(a_change(known))
    try:
        found = envelope.decode(altered)
        said = accepted(found)
    except (MalformedError, SignatureError, VerificationError):
        return

    assert said == SAID  # only the hint which key it was can be another, or a signature more


# --- the time ------------------------------------------------------------------------------------


def test_the_enforcers_time_answers_our_question():
    found = sealed(ANSWER, "time")

    assert directive.accept_time(found, [KEY], store="riga-001", nonce=b"nonce") == NOW


@pytest.mark.parametrize(
    ("store", "nonce"), [("riga-002", b"nonce"), ("riga-001", b"other"), ("riga-001", b"")]
)
def test_a_time_that_answers_another_question_is_refused(store, nonce):
    with pytest.raises(VerificationError, match="somebody else's question"):
        directive.accept_time(sealed(ANSWER, "time"), [KEY], store=store, nonce=nonce)


def test_a_time_is_the_enforcers():
    with pytest.raises(SignatureError):
        directive.accept_time(
            sealed(ANSWER, "time", KEYS["anna"]), [KEY], store="riga-001", nonce=b"nonce"
        )
    with pytest.raises(MalformedError):
        directive.accept_time(sealed(ANSWER, "directive"), [KEY], store="riga-001", nonce=b"nonce")


# --- on the wire ---------------------------------------------------------------------------------

KINDS = [
    Directive,
    Time,
    Due,
    hold.StoreHold,
    hold.ItemRef,
    wire.Enrolment,
    wire.Enrolled,
    wire.Hello,
    wire.Welcome,
    wire.PriorItem,
    wire.PriorUndated,
    wire.Prior,
    wire.Applied,
    wire.Fetched,
    wire.Problem,
]


def test_every_document_of_the_wire_is_tried_here():
    ours = {
        kind
        for kind in vars(wire).values()
        if isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and kind.__module__ == wire.__name__
    }

    assert ours <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(st.data())
def test_a_document_travels_unchanged_and_altered_it_is_another(kind, data):
    document = data.draw(documents(kind))
    known = codec.encode(document)
    altered = data.draw(a_change(known))

    assert document == codec.decode(known, kind)
    assert known == altered or not taken_for(
        document, altered, lambda data: codec.decode(data, kind)
    )


@pytest.mark.parametrize(
    "document",
    [
        msgspec.structs.replace(SAID, issued_at=Instant(2**33)),
        msgspec.structs.replace(SAID, version=-1),
        msgspec.structs.replace(SAID, version=2**64),
        msgspec.structs.replace(SAID, store="x" * 65),
        msgspec.structs.replace(SAID, holds=(StoreHold("h", Instant(-1), NOW),)),
        msgspec.structs.replace(SAID, holds=(StoreHold("h", NOW, Instant(2**70)),)),
        Time("riga-001", b"nonce", Instant(-1)),
        wire.Applied(2**63, b""),
    ],
)
def test_a_number_that_no_database_keeps_or_no_calendar_knows_is_malformed(document):
    with pytest.raises(MalformedError):
        codec.decode(codec.encode(document), type(document))
