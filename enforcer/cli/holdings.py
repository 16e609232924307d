"""How holds are printed. "Effective" is printed where a store said so, and nowhere else (I15)."""

from collections.abc import Iterable
from datetime import date

from enforcer.cli import show
from enforcer.govern.forms.holds import Counted, HoldAtStore, HoldLines, HoldSheet
from enforcer.govern.forms.previews import Preview, SourcePreview, StorePreview
from retention.calendar import Instant


def print_sheet(sheet: HoldSheet, *, as_json: bool) -> int:
    """All about one hold."""
    if as_json:
        show.as_json(sheet)
        return 0
    print(
        f"{sheet.id}  {sheet.ground} (clause {sheet.clause}), placed {show.moment(sheet.placed_at)}"
    )
    print(f"  keeps {_scope(sheet)}")
    if sheet.case:
        print(f"  case {sheet.case}")
    if sheet.citation:
        print(f"  under {sheet.citation}")
    print(f"  review on {sheet.review_on}")
    if sheet.released_at is not None:
        print(f"  released {show.moment(sheet.released_at)}")
    elif sheet.missing:
        print(f"  still due by {show.moment(sheet.complete_by)}: {', '.join(sheet.missing)}")
    for store in sheet.stores:
        print(f"  {store.store} ({store.site}): {_state(store)}")
    return 0


def print_register(found: HoldLines, *, as_json: bool) -> int:
    """A line for each hold."""
    if as_json:
        show.as_json(found)
        return 0
    show.table(
        ("HOLD", "GROUND", "CASE", "OWNER", "SITE", "PLACED", "REVIEW", "STORES", "ATTENTION"),
        (
            (
                line.id,
                line.ground,
                line.case,
                line.owner,
                line.site,
                show.moment(line.placed_at),
                str(line.review_on),
                f"{line.stores}, {line.pending} pending" if line.pending else str(line.stores),
                "released" if line.released_at else "; ".join(line.attention),
            )
            for line in found.holds
        ),
    )
    return 0


def print_preview(found: Preview, *, as_json: bool) -> int:
    """What a hold would cover."""
    if as_json:
        show.as_json(found)
        return 0
    print(f"{_between(found.begins, found.ends)}, nothing is held by looking:")
    for store in found.stores:
        _print_store(store)
    return 0


def _print_store(store: StorePreview) -> None:
    print(f"{store.store} ({store.site}), last seen {show.moment(store.last_seen_at)}")
    for source in store.sources:
        print(f"  {source.source}: {_of_source(source)}")
        for gap in source.gaps:
            print(f"    no recording {_between(gap.begins, gap.ends)}")
    if store.unreported:
        scanned = show.moment(store.scanned_at)
        print(f"  last complete scan began {scanned}: there may be more that is not reported yet")
    for due in store.due:
        print(f"  {due.items} go from {show.moment(due.due_at)} on, if not held")
    if store.gone:
        print(f"  already gone, whatever the hour: {_counted(store.gone)}")


def _of_source(source: SourcePreview) -> str:
    said = [f"{source.items} items"]
    if source.undated:
        said.append(f"{source.undated} of them undated")
    if source.held:
        said.append(f"{source.held} held already")
    return ", ".join(said)


def _state(store: HoldAtStore) -> str:
    gone = f"; gone before: {_counted(store.gone)}" if store.gone else ""
    if store.state == "effective":
        return f"effective since {show.moment(store.effective_at)}, {store.items} items{gone}"
    if store.state != "pending":
        return f"{store.state}{gone}"
    if store.next_deletion_at is None:
        next_one = "nothing known there falls due"
    else:
        next_one = f"next deletion there at {show.moment(store.next_deletion_at)} or later"
    return f"PENDING, not effective: last seen {show.moment(store.last_seen_at)}; {next_one}"


def _scope(sheet: HoldSheet) -> str:
    if sheet.items:
        return f"items {', '.join(sheet.items)}"
    sources = ", ".join(sheet.sources) or "all sources"
    where = f"of {sheet.site}, " if sheet.site else ""
    calls = f"of one number (by {', '.join(sheet.number_keys)}), " if sheet.number_keys else ""
    return f"{sources} {where}{calls}{_between(sheet.begins, sheet.ends)}"


def _between(begins: Instant, ends: Instant) -> str:
    return f"{show.moment(begins)} to {show.moment(ends)}"


def _counted(gone: Iterable[Counted]) -> str:
    return ", ".join(f"{each.items} of {_day(each.day)}" for each in gone)


def _day(day: date) -> str:
    return day.isoformat()
