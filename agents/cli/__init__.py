"""The `retention-agent` command: a daemon on a terminal, and what a technician asks of it."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date
from pathlib import Path
from typing import Any

from agents.cli import doctor, probe
from agents.cli.configured import composed
from agents.cli.lines import one_line
from agents.engine.agent import Agent
from agents.service.building import Built
from agents.service.credential import Token
from retention import permit
from retention.calendar import Instant, iso, parse_instant
from retention.errors import MalformedError, RefusedError, RetentionError
from retention.hold import RESTRICTION
from retention.outcome import Outcome

#: A command waits this long for files to settle; the daemon dates what takes longer.
TURN_SECONDS = 0.5
WAIT_TURNS = 20
#: The settings of a terminal's agent, as its package names them; a storage has one for each store.
USUAL = Path("/etc/retention-agent/terminal.toml")

# All files of an item: of a call, each of its parts.
_FOUND = f"""
SELECT item.number, path, items.name, item.anchor,
       lower(hex(sha256)),
       EXISTS (SELECT 1 FROM item_holds WHERE number = item.number AND hold GLOB '{RESTRICTION}*')
  FROM items
  LEFT JOIN parts ON parts.number = items.number
  JOIN items AS item ON item.number = coalesce(parts.item, items.number)
  JOIN directories ON directories.id = items.directory JOIN words ON words.id = item.source
  LEFT JOIN digests ON (digests.number, digests.inode, digests.size, digests.mtime_ns)
                     = (items.number, items.inode, items.size, items.mtime_ns)
 WHERE word = ?
   AND (item.anchor IS NULL OR (item.anchor - item.before <= ? AND item.anchor + item.after >= ?))
 ORDER BY item.number, items.number
"""  # noqa: S608 - a constant of ours


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0 done, 1 refused, 2 usage or unknown; a user's error is one sentence."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except RetentionError as error:
        print(f"retention-agent: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="retention-agent", description="Finds, dates and erases recordings on this machine."
    )
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    _probe(_verb(verbs, "probe", probe.run, "say what time files were recorded, and why"))
    for name, run, text in (
        ("enrol", _enrol, "exchange a one-time token for this agent's credential"),
        ("run", _run, "look, sweep and report until stopped: the daemon"),
        ("scan", _scan, "look at everything once, and erase nothing"),
        ("sweep", _sweep, "erase what is due, or only say what would go"),
        ("status", _status, "say what this agent knows"),
        ("doctor", doctor.run, "look for what is wrong, or soon will be"),
    ):
        verb = _verb(verbs, name, run, text)
        _declare_config(verb)
        if name == "enrol":
            verb.add_argument(
                "token", metavar="TOKEN", help="CODE.PIN, as `enforcer store enrol` prints it"
            )
        if name == "run":
            verb.add_argument("--once", action="store_true", help="one scan and sweep, then end")
        if name == "sweep":
            verb.add_argument("--dry-run", action="store_true", help="erase nothing")
    item = verbs.add_parser("item", help="find recordings on this store: find")
    of_items = item.add_subparsers(required=True, metavar="VERB")
    _item(_verb(of_items, "find", _find, "paths of recordings of a source and a time"))
    return parser


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    """A command that prints facts."""
    verb = verbs.add_parser(name, help=text, description=text)
    verb.add_argument("--json", action="store_true", help="print one JSON document")
    verb.set_defaults(run=run)
    return verb


def _declare_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=USUAL,
        metavar="FILE",
        help="the agent's settings (TOML) [%(default)s]",
    )


def _probe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="+", type=Path, metavar="FILE", help="or a directory: all files below it"
    )
    parser.add_argument(
        "--pattern",
        action="append",
        default=[],
        help="how names tell the time, such as '%%Y%%m%%d-%%H%%M%%S*'; once for each",
    )
    parser.add_argument(
        "--zone", default="Europe/Riga", help="of times without an offset [%(default)s]"
    )


def _item(find: argparse.ArgumentParser) -> None:
    _declare_config(find)
    find.add_argument(
        "--source", required=True, metavar="ID", help="camera or queue, as the policy calls it"
    )
    for name, where, text in (("from", "begins", "not before"), ("to", "ends", "not after")):
        find.add_argument(
            f"--{name}",
            dest=where,
            required=True,
            type=_moment,
            metavar="TIME",
            help=f"{text}, such as 2026-01-15T03:10:00+02:00",
        )


def _moment(text: str) -> Instant:
    try:
        return parse_instant(text)
    except MalformedError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write it with its offset, as 2026-01-15T03:10:00+02:00"
        ) from error


def _enrol(arguments: argparse.Namespace) -> int:
    store = composed(arguments.config).enrol(Token.parse(arguments.token))
    if arguments.json:
        print(json.dumps({"store": store}))
    else:
        print(f"enrolled as store {store}; it only observes until two people activate it")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    chosen = composed(arguments.config)
    built = chosen.build()
    try:
        if arguments.once:
            return _once(built, as_json=arguments.json)
        daemon = chosen.daemon(built)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: daemon.stop())
        daemon.run()
        return 0
    finally:
        built.close()


def _once(built: Built, *, as_json: bool) -> int:
    agent = built.agent
    agent.begin()
    _look_at_everything(agent)
    with suppress(RetentionError):  # there is a rule for sweeping without; the last report says why
        agent.exchange.report()
    _sweep_now(built, as_json=as_json)
    agent.heartbeat()
    agent.exchange.report()
    return 0


def _scan(arguments: argparse.Namespace) -> int:
    built = composed(arguments.config).build()
    try:
        built.agent.begin()
        _look_at_everything(built.agent)
        _tell(built, as_json=arguments.json)
        for path, why in built.agent.scanner.unread:
            print(f"could not read {one_line(os.fsdecode(path))}: {why}", file=sys.stderr)
    finally:
        built.close()
    return 0


def _look_at_everything(agent: Agent) -> None:
    """One scan, and a short wait for files that were still being written."""
    for _ in agent.scan():
        pass
    for _ in range(WAIT_TURNS):
        if not agent.scanner.settling:
            return
        time.sleep(TURN_SECONDS)
        agent.look()


def _sweep(arguments: argparse.Namespace) -> int:
    built = composed(arguments.config).build()
    try:
        if not arguments.dry_run:
            built.agent.begin()
            return _sweep_now(built, as_json=arguments.json)
        agent = built.agent
        standing = agent.standing(fresh=True)
        refusal = permit.refusal(standing)
        if refusal is not None:
            print(f"nothing would go: {refusal.reason}", file=sys.stderr)
            _print_rows([], as_json=arguments.json)
            return _refusal_code(refusal)
        rules = permit.rules(standing, agent.chain())
        rows = [
            {"class": name, "civil_date": date.fromordinal(civil).isoformat(), "items": items}
            for name, civil, items in agent.sweeper.preview(rules)
        ]
        if braked := agent.sweeper.braking(rules).reason:
            print(f"nothing would go before two people let it: {braked}", file=sys.stderr)
            _print_rows(rows, as_json=arguments.json)
            return 1
        _print_rows(rows, as_json=arguments.json, none="nothing is due")
    finally:
        built.close()
    return 0


def _refusal_code(refusal: permit.Refusal) -> int:
    """1: a rule refuses; 2: it is not known whether anything may go."""
    return 2 if refusal.outcome == "refused_clock" else 1


def _sweep_now(built: Built, *, as_json: bool) -> int:
    """Sweep, and say what became of what was due. 1 if nothing may go."""
    outcomes: Mapping[Outcome, int] = {}
    for swept in built.agent.sweep():
        outcomes = swept.outcomes
    waiting = built.agent.waiting
    if waiting:
        print(f"nothing was erased: {waiting}", file=sys.stderr)
    if as_json:
        print(json.dumps({"outcomes": outcomes, "waiting": waiting}))
    elif not waiting:
        counted = (f"{n} {outcome.replace('_', ' ')}" for outcome, n in outcomes.items())
        print(", ".join(counted) or "nothing is due")
    return 1 if waiting else 0


def _status(arguments: argparse.Namespace) -> int:
    built = composed(arguments.config).build()
    try:
        _tell(built, as_json=arguments.json)
    finally:
        built.close()
    return 0


def _tell(built: Built, *, as_json: bool) -> None:
    """What this agent knows."""
    facts = _facts(built)
    if as_json:
        print(json.dumps(facts))
    else:
        _print_status(facts)


def _facts(built: Built) -> Mapping[str, Any]:
    agent, catalogue = built.agent, built.catalogue
    scanned = catalogue.value("SELECT max(ended) FROM scans JOIN agent USING (epoch)")
    number, _ = agent.outbox.end()
    [(store, epoch)] = catalogue.rows("SELECT store, epoch FROM agent")
    return {
        "store": store,
        "epoch": epoch,
        "sweeps": agent.would_wait(),
        "retired": agent.exchange.retired,
        "last_complete_scan": None if scanned is None else _utc(scanned),
        "items": [
            {"class": name, "state": state, "items": items} for name, state, items in agent.counts()
        ],
        "holds": catalogue.value("SELECT count(*) FROM holds WHERE released_at IS NULL"),
        "unreported": number - catalogue.value("SELECT log_acknowledged FROM agent"),
        "from_backup": agent.restorations.quarantined,
        "policy": agent.chain().current.version,
    }


def _print_status(facts: Mapping[str, Any]) -> None:
    waiting = facts["sweeps"]
    where = f"{facts['store']}, epoch {facts['epoch']}"
    print(f"store               {where}, by version {facts['policy']} of the policy")
    if facts["retired"]:
        print(f"out of service      two people retired this store ({facts['retired']})")
    print(f"erases              {f'nothing: {waiting}' if waiting else 'what is due'}")
    print(f"last complete scan  {facts['last_complete_scan'] or 'none yet'}")
    print(f"holds               {facts['holds']}")
    print(f"not reported yet    {facts['unreported']}")
    for line in facts["items"]:
        print(f"{line['class']:19} {line['items']} {line['state'].replace('_', ' ')}")


def _find(arguments: argparse.Namespace) -> int:
    built = composed(arguments.config).build()
    try:
        if built.agent.restorations.quarantined:
            raise RefusedError(
                "what is here came from a backup, and no sweep has gone through it yet: what should be "
                "gone is not shown; a hold can be placed all the same"
            )
        found = built.catalogue.rows(_FOUND, (arguments.source, arguments.ends, arguments.begins))
        kept_back = {number for number, *_, restricted in found if restricted}
        rows = [
            {
                "item": number,
                "path": (path + b"/" + name if path else name).decode(errors="backslashreplace"),
                "anchor": None if anchor is None else _utc(anchor),
                "sha256": digest,
            }
            for number, path, name, anchor, digest, restricted in found
            if not restricted
        ]
        none = "" if kept_back else "nothing of that source and time is known"
        _print_rows(rows, as_json=arguments.json, none=none)
        if kept_back:
            told = "restricted (GDPR article 18), and so not shown before two people lift that"
            print(f"{told}: {', '.join(map(str, sorted(kept_back)))}", file=sys.stderr)
    finally:
        built.close()
    return 1 if kept_back and not rows else 0


def _print_rows(rows: list[dict[str, object]], *, as_json: bool, none: str = "") -> None:
    if as_json:
        print(json.dumps(rows))
        return
    if not rows and none:
        print(none, file=sys.stderr)
    for row in rows:
        print("  ".join("-" if each is None else one_line(str(each)) for each in row.values()))


def _utc(instant: int) -> str:
    return iso(Instant(instant), UTC)
