"""How holds are printed. "Effective" is printed where a store said so, and nowhere else (I15)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from enforcer.cli import show
from enforcer.cli.language import say
from enforcer.govern.forms.holds import Counted, HoldAtStore, HoldLine, HoldLines, HoldSheet
from enforcer.govern.forms.previews import Preview, SourcePreview, Span, StorePreview
from retention.calendar import Instant

MOST_GAPS = 5


def print_sheet(sheet: HoldSheet, *, as_json: bool) -> int:
    """All about one hold."""
    if as_json:
        show.as_json(sheet)
        return 0
    print(
        say(
            "{id}  {ground} (clause {clause}), placed {moment}",
            id=sheet.id,
            ground=say(sheet.ground),
            clause=sheet.clause,
            moment=show.moment(sheet.placed_at),
        )
    )
    for line in _about(sheet):
        print(f"  {line}")
    for store in sheet.stores:
        print(f"  {store.store} ({store.site}): {_state(store)}")
    return 0


def _about(sheet: HoldSheet) -> Iterator[str]:
    yield say("keeps {scope}", scope=_scope(sheet))
    if sheet.case:
        yield say("case {case}", case=sheet.case)
    if sheet.citation:
        yield say("under {citation}", citation=sheet.citation)
    yield say("review on {day}", day=sheet.review_on)
    if sheet.released_at is not None:
        yield say("released {moment}", moment=show.moment(sheet.released_at))
    elif sheet.missing:
        missing = ", ".join(map(say, sheet.missing))
        moment = show.moment(sheet.complete_by)
        yield say("still due by {moment}: {missing}", moment=moment, missing=missing)


def print_register(found: HoldLines, *, as_json: bool) -> int:
    """A line for each hold."""
    if as_json:
        show.as_json(found)
        return 0
    heads = ("HOLD", "GROUND", "CASE", "OWNER", "SITE", "PLACED", "REVIEW", "STORES", "ATTENTION")
    show.table(
        [say(head) for head in heads],
        (
            (
                line.id,
                say(line.ground),
                line.case,
                line.owner,
                line.site,
                show.moment(line.placed_at),
                str(line.review_on),
                _reach(line),
                say("released") if line.released_at else "; ".join(map(say, line.attention)),
            )
            for line in found.holds
        ),
    )
    return 0


def _reach(line: HoldLine) -> str:
    """At how many stores it is, and at how many not yet."""
    if not line.pending:
        return str(line.stores)
    return say("{stores}, {pending} pending", stores=line.stores, pending=line.pending)


def print_preview(found: Preview, *, as_json: bool) -> int:
    """What a hold would cover."""
    if as_json:
        show.as_json(found)
        return 0
    between = _between(found.begins, found.ends)
    print(say("{between}, nothing is held by looking:", between=between))
    for store in found.stores:
        _print_store(store)
    return 0


def _print_store(store: StorePreview) -> None:
    seen = show.moment(store.last_seen_at)
    said = "{store} ({site}), last seen {moment}"
    print(say(said, store=store.store, site=store.site, moment=seen))
    for source in store.sources:
        print(f"  {source.source}: {_of_source(source)}")
        for gap in _longest(source.gaps):
            between = _between(gap.begins, gap.ends)
            print(f"    {say('no recording {between}', between=between)}")
        if (shorter := len(source.gaps) - MOST_GAPS) > 0:
            print(f"    {say('and {shorter} shorter pauses', shorter=shorter)}")
    if store.unreported:
        said = "last complete scan began {moment}: there may be more that is not reported yet"
        print(f"  {say(said, moment=show.moment(store.scanned_at))}")
    for due in store.due:
        said = "{items} go from {moment} on, if not held"
        print(f"  {say(said, items=due.items, moment=show.moment(due.due_at))}")
    if store.gone:
        print(f"  {say('already gone, whatever the hour: {gone}', gone=_counted(store.gone))}")


def _longest(gaps: Sequence[Span]) -> Iterable[Span]:
    """In their order; a camera that takes single pictures pauses between each two."""
    longest = sorted(gaps, key=lambda gap: gap.begins - gap.ends)[:MOST_GAPS]
    return (gap for gap in gaps if gap in longest)


def _of_source(source: SourcePreview) -> str:
    said = [say("{items} items", items=source.items)]
    if source.undated:
        said.append(say("{undated} of them undated", undated=source.undated))
    if source.held:
        said.append(say("{held} held already", held=source.held))
    return ", ".join(said)


def _state(store: HoldAtStore) -> str:
    gone = say("; gone before: {gone}", gone=_counted(store.gone)) if store.gone else ""
    if store.state == "effective":
        since = show.moment(store.effective_at)
        said = "effective since {moment}, {items} items{gone}"
        return say(said, moment=since, items=store.items, gone=gone)
    if store.state != "pending":
        return f"{say(store.state)}{gone}"
    if store.next_deletion_at is None:
        next_one = say("nothing known there falls due")
    else:
        at = show.moment(store.next_deletion_at)
        next_one = say("next deletion there at {moment} or later", moment=at)
    said = "PENDING, not effective: last seen {moment}; {next_one}"
    return say(said, moment=show.moment(store.last_seen_at), next_one=next_one)


def _scope(sheet: HoldSheet) -> str:
    if sheet.items:
        return say("items {items}", items=", ".join(sheet.items))
    sources = ", ".join(sheet.sources) or say("all sources")
    where = say("of {site}, ", site=_place(sheet)) if _place(sheet) else ""
    keys = ", ".join(sheet.number_keys)
    calls = say("of one number (key {keys}), ", keys=keys) if keys else ""
    return f"{sources} {where}{calls}{_between(sheet.begins, sheet.ends)}"


def _place(sheet: HoldSheet) -> str:
    """The site; of a hold on one store, such as a marker's, that store."""
    if sheet.site or len(sheet.stores) != 1:
        return sheet.site
    return f"{sheet.stores[0].store} ({sheet.stores[0].site})"


def _between(begins: Instant, ends: Instant) -> str:
    return say("{begins} to {ends}", begins=show.moment(begins), ends=show.moment(ends))


def _counted(gone: Iterable[Counted]) -> str:
    return ", ".join(say("{items} of {day}", items=each.items, day=_day(each.day)) for each in gone)


def _day(day: date) -> str:
    return day.isoformat()
