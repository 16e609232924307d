"""What is believed of a deletion: what is listed after it, and a server's word only for what stayed."""

import pytest

from agents.stores import Erased, Generation, Wanted
from agents.stores.bucket import erasing
from agents.stores.bucket.erasing import Asked, Erasure
from agents.stores.bucket.keys import NULL, VersionId
from agents.stores.bucket.listing import Entry
from agents.stores.bucket.trouble import NoAnswerError, S3Error
from retention.outcome import Outcome

#: No XML can say this key, so it is deleted by a request of its own.
OF = VersionId("d/a\x01", NULL)
MEANT, OTHER = Generation(1, 10, 0), Generation(2, 10, 0)
ASKED = Asked(Wanted(7, b"a\x01;null", MEANT, 1), OF)
REFUSED = Erased(7, Outcome.BLOCKED, "The server forbids it.")


class Wire:
    """Each request to it fails in one way."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def ask(self, *_: object, **__: object) -> None:
        raise self._failure


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (S3Error("NoSuchVersion", 404), None),
        (S3Error("AccessDenied", 403), Outcome.BLOCKED),
        (S3Error("InternalError", 500), Outcome.FAILED),
        (NoAnswerError("TimeoutError"), Outcome.FAILED),
    ],
)
def test_why_a_version_was_not_deleted_is_remembered_until_it_is_looked_for(
    failure: Exception, outcome: Outcome | None
):
    said = Erasure(Wire(failure))._delete([OF], [ASKED], once=True)  # type: ignore[arg-type]
    assert ({} if outcome is None else {OF: (7, outcome)}) == {
        of: (each.number, each.outcome) for of, each in said.items()
    }


@pytest.mark.parametrize(
    ("listed", "said", "outcome"),
    [
        (None, False, Outcome.ERASED_VERIFIED),
        (None, True, Outcome.ERASED_VERIFIED),
        (Entry(OF, None), False, Outcome.ERASED_VERIFIED),  # a marker
        (Entry(OF, MEANT), False, Outcome.FAILED),
        (Entry(OF, MEANT), True, Outcome.BLOCKED),
        (Entry(OF, OTHER), False, Outcome.ERASED_VERIFIED),  # it went, and another came
        (Entry(OF, OTHER), True, Outcome.REFUSED_CHANGED),
    ],
)
def test_the_listing_is_believed_and_the_server_only_where_it_shows_the_version(
    listed: Entry | None, said: bool, outcome: Outcome
):
    after = {} if listed is None else {OF: listed}
    found = erasing._verified(ASKED, after, {OF: REFUSED} if said else {})
    assert (7, outcome) == (found.number, found.outcome)


@pytest.mark.parametrize("outcome", Outcome)
def test_what_is_gone_is_not_erased_while_a_marker_of_its_key_is_left(outcome: Outcome):
    result = Erased(7, outcome, "why")
    assert result == erasing._complete(result, ASKED, {"another"})
    found = erasing._complete(result, ASKED, {OF.key})
    gone = outcome in {Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT}
    assert ((Outcome.FAILED, False) if gone else (outcome, True)) == (found.outcome, found.settled)
