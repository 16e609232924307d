"""The commands as people type them, against an enforcer that serves."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from enforcer.cli import COMMANDS, main, waiting
from enforcer.clock import wall_clock
from enforcer.govern.forms.compliance import Status
from retention import report
from retention.calendar import DAY, Instant
from retention.errors import ConfigError
from retention.outcome import Outcome

RIGA = ZoneInfo("Europe/Riga")


def at(instant):
    return datetime.fromtimestamp(instant, RIGA).strftime("%Y-%m-%d %H:%M")


def test_a_night_from_the_incident_to_its_end(live, type_):
    """Place, acknowledge, show, release by two, let go: the story of one hold."""
    agent = live.enrol("t-1", "Brīvības iela 12")
    happened = Instant(live.clock() - 5 * 3600)
    agent.sight(happened)
    placed = type_(
        "hugo", "hold", "place", "crime", "--site", "brivibas 12", "--around", at(happened)[11:],
        "--no-wait",
    )  # fmt: skip
    assert placed.code == 0
    assert "t-1 (Brīvības iela 12): PENDING, not effective: last seen" in placed.out
    assert "still due by" in placed.out
    hold = re.match(r"hold-\w+", placed.out)[0]
    said = agent.fetch()
    now = live.clock()
    agent.report(report.Held(now, hold, ((1, 1),)), report.Acknowledged(now, said.version, (hold,)))
    assert "effective since" in type_("hugo", "hold", "show", hold).out
    reviewed = type_("hugo", "hold", "review", hold, "--until", soon(30), "--case", "2026-17")
    assert "case 2026-17" in reviewed.out
    proposed = type_("aija", "hold", "release", hold, "--reason", "case closed", "--yes")
    assert f"Release hold {hold}" in proposed.err
    assert "Reason: case closed\n" in proposed.err
    document = re.match(r"release-\w+", proposed.out)[0]
    again = type_("aija", "approve", document, "--yes")
    assert (again.code, again.out) == (1, "")
    assert "takes somebody else" in again.err
    approved = type_("dana", "approve", document, "--yes")
    assert "Reason: case closed\n" in approved.err, "the second pair of eyes is told as well"
    assert "signed by aija, dana" in approved.out
    assert "To be carried out by t-1" in approved.out
    told = type_("uldis", "history", hold).out
    assert [document, document] == re.findall(r"release-\w+", told), "proposed, and signed"
    agent.report(
        report.Freed(now, hold, ((1, 1),), Instant(now + DAY)),
        report.Acknowledged(now, agent.fetch().version, (), acts=(document,)),
    )
    assert type_("dana", "approve").out.splitlines()[1:] == []
    assert hold not in type_("hugo", "hold", "list").out
    assert "released" in type_("hugo", "hold", "list", "--all").out


def soon(days):
    return at(wall_clock() + days * DAY)[:10]


def test_placing_waits_for_a_store_that_is_connected(live, type_, monkeypatch):
    agent = live.enrol("t-1")
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        agent.obey()

    monkeypatch.setattr(waiting.time, "sleep", pause)
    placed = type_("hugo", "hold", "place", "crime", "--site", "brivibas", "--around", "03:10")
    assert "effective since" in placed.out
    assert "waiting for t-1" in placed.err
    assert pauses == [2]


def test_nobody_waits_for_a_store_that_was_never_there(live, type_, monkeypatch):
    type_("olga", "store", "enrol", "t-1", "--site", "Čaka 5", "--group", "terminal",
          "--commissioned", "2025-01-01")  # fmt: skip
    monkeypatch.setattr(waiting.time, "sleep", lambda _: pytest.fail("it waited"))
    placed = type_("hugo", "hold", "place", "crime", "--site", "caka", "--around", "03:10")
    assert "PENDING, not effective: last seen never" in placed.out


def test_a_question_is_one_sentence_and_exit_code_2(live, type_):
    live.enrol("t-1", "Brīvības 12")
    live.enrol("t-2", "Brīvības 14")
    asked = type_("hugo", "hold", "place", "crime", "--site", "brivibas", "--around", "03:10")
    assert (asked.code, asked.out) == (2, "")
    assert asked.err == (
        "enforcer: which one: 'Brīvības 12', 'Brīvības 14'? 'brivibas' fits 2 sites\n"
    )


def test_a_ground_is_asked_for_where_somebody_can_answer(live, type_):
    live.enrol("t-1")
    asked = type_("hugo", "hold", "place", "--site", "brivibas", "--around", "03:10")
    assert asked.code == 2
    assert "crime (clause 19.1), dispute (clause 19.2), statute (clause 19.4)" in asked.err


def test_stores_are_enrolled_from_a_file_or_not_at_all(live, type_, tmp_path):
    file = tmp_path / "stores.csv"
    file.write_text(
        "id,site,group,commissioned_on,kind\n"
        "t-1,Brīvības 12,terminal,2025-01-01,\n"
        "t-2,Čaka 5,terminal,2025-01-01,fridge\n"
    )
    refused = type_("olga", "store", "enrol", "--from", str(file))
    assert refused.code == 2
    assert f"{file}, line 3, column kind: 'fridge' is none of" in refused.err
    assert type_("olga", "store", "list").out.splitlines()[1:] == []
    file.write_text(file.read_text().replace("fridge", "directory"))
    enrolled = type_("olga", "store", "enrol", "--from", str(file), "--json")
    assert [each["store"] for each in enrolled.json["invitations"]] == ["t-1", "t-2"]
    assert enrolled.json["pin"] == live.pin.hex()


def test_a_credential_is_revoked_and_a_box_replaced(live, type_):
    live.enrol("t-1")
    assert type_("olga", "store", "credential", "revoke", "t-1").code == 0
    assert " none " in type_("olga", "store", "list").out
    assert "TOKEN" in type_("olga", "store", "replace", "t-1").out


def test_a_policy_goes_from_draft_to_force_by_two_owners(live, type_, tmp_path):
    draft = tmp_path / "policy.toml"
    draft.write_text(type_("uldis", "policy", "show", "--toml").out.replace("P60D", "P45D"))
    assert type_("", "policy", "check", str(draft), asks=False).code == 0
    checked = type_("", "policy", "check", str(draft), "--json", asks=False).json
    assert checked.keys() == {"classes", "sources"}
    proposed = type_("anna", "policy", "propose", str(draft), "--yes")
    assert "class terminal-image: period P60D -> P45D" in proposed.err
    document = re.match(r"policy-\w+", proposed.out)[0]
    assert type_("anna", "policy", "publish", document).code == 1
    assert type_("dana", "policy", "sign", document, "--yes").code == 1
    signed = type_("ivo", "policy", "sign", document, "--yes")
    assert "signed by anna, ivo" in signed.out
    assert f"Put it in force: enforcer policy publish {document}" in signed.out
    assert type_("ben", "policy", "publish", document).code == 0
    shown = type_("uldis", "policy", "show")
    assert "Policy version 2" in shown.out
    assert "terminal-image: kept no longer than P45D" in shown.out
    assert type_("uldis", "policy", "show", "--version", "1", "--json").json["version"] == 1


def test_a_person_and_a_source_join_by_the_next_policy(live, type_, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = type_("", "person", "key", "nora", asks=False)
    added = type_("anna", "person", "add", "nora", "--roles", "handler", "--key", made.out.strip(),
                  "--yes")  # fmt: skip
    assert "person nora: new; id nora, roles handler" in added.err
    document = re.match(r"policy-\w+", added.out)[0]
    type_("ivo", "approve", document, "--yes")
    type_("anna", "policy", "publish", document)
    assert "nora" in type_("uldis", "person", "list").out
    added = type_("anna", "source", "add", "cam-back", "--group", "terminal", "--class",
                  "terminal-image", "--purpose", "the back door", "--yes")  # fmt: skip
    document = re.match(r"policy-\w+", added.out)[0]
    type_("ivo", "approve", document, "--yes")
    type_("anna", "policy", "publish", document)
    assert "cam-back" in type_("uldis", "source", "list").out


def test_the_enforcer_s_own_keys_change_by_the_next_policy(live, type_):
    old = live.built.chains._chain.current.directive_keys[0].hex()
    new = "ab" * 32
    proposed = type_("anna", "policy", "keys", "--directive", old, "--directive", new, "--yes")
    assert "directive_keys: key " in proposed.err
    document = re.match(r"policy-\w+", proposed.out)[0]
    type_("ivo", "approve", document, "--yes")
    assert type_("ivo", "policy", "publish", document).code == 0
    shown = type_("anna", "policy", "show", "--json").json
    assert len(shown["directive_keys"]) == 2
    assert len(shown["ledger_keys"]) == 1
    assert type_("anna", "policy", "keys", "--yes").code == 2


def test_a_draft_that_was_overtaken_has_to_be_proposed_anew(live, type_, tmp_path):
    draft = tmp_path / "policy.toml"
    draft.write_text(type_("anna", "policy", "show", "--toml").out)
    first = re.match(r"policy-\w+", type_("anna", "policy", "propose", str(draft), "--yes").out)[0]
    draft.write_text(draft.read_text().replace("P60D", "P30D"))
    other = re.match(r"policy-\w+", type_("ivo", "policy", "propose", str(draft), "--yes").out)[0]
    for document in (first, other):
        type_("ben", "approve", document, "--yes")
    assert type_("ben", "policy", "publish", other).code == 0
    refused = type_("ben", "policy", "publish", first)
    assert (refused.code, refused.out) == (1, "")
    assert "does not follow version 2" in refused.err


def test_items_are_found_and_corrected_in_words(live, type_):
    agent = live.enrol("t-1")
    happened = Instant(live.clock() - DAY)
    agent.sight(happened)
    found = type_("hugo", "item", "find", "--site", "brivibas", "--around", at(happened))
    assert "t-1/1/1" in found.out
    shown = type_("aija", "item", "show", "t-1/1/1")
    assert "limit" in shown.out
    corrected = type_("aija", "item", "correct", "t-1/1/1", "--anchor",
                      "2026-01-01T00:00:00+02:00", "--reason", "wrong clock", "--yes")  # fmt: skip
    assert "Correct 1 item:\nthey began 2026-01-01 00:00;" in corrected.err
    assert "Reason: wrong clock\n" in corrected.err
    erased = type_("aija", "item", "erase", "t-1/1/1", "--reason", "article 17", "--yes")
    assert erased.code == 0
    restricted = type_("hugo", "item", "restrict", "t-1/1/1", "--reason", "article 18")
    assert "on its way" in restricted.out


def test_status_says_in_its_exit_code_what_is_not_proven(live, type_):
    nothing = type_("uldis", "status")
    assert (2, "No such store is enrolled: nothing is known.\n") == (nothing.code, nothing.out)
    agent = live.enrol("t-1")
    unknown = type_("uldis", "status")
    assert unknown.code == 2
    assert "terminal-image: unknown; 0 of 1 store proven" in unknown.out
    assert "two people have not activated it" in unknown.out
    agent.sight(Instant(live.clock() - 70 * DAY))
    violated = type_("uldis", "status", "--json")
    assert violated.code == 1
    by_class = {each["record_class"]: each for each in violated.json["stores"]}
    assert (1, 0) == (by_class["terminal-image"]["past_limit"], by_class["canary"]["past_limit"])


def test_where_there_is_nothing_to_list_that_is_said(live, type_):
    assert "There are none.\n" == type_("olga", "store", "list").out
    assert [] == type_("olga", "store", "list", "--json").json["stores"]


def test_a_request_that_only_another_version_knows_is_told_as_that(live):
    with pytest.raises(ConfigError, match="are of different versions"):
        live.person("anna").get("/v1/of-tomorrow", Status)


def test_a_forecast_shows_what_would_go_and_when(live, type_):
    agent = live.enrol("t-1")
    assert type_("olga", "forecast").out.startswith("Nothing is to go until 2")
    agent.sight(Instant(live.clock() - 70 * DAY), Instant(live.clock() - 57 * DAY))
    shown = type_("olga", "forecast", "--days", "7")
    assert shown.code == 0
    assert shown.out.count("would go, were its store activated") == 2
    assert len(type_("olga", "forecast", "--days", "0", "--json").json["lines"]) == 1


def test_what_has_a_moment_of_its_own_is_forecast_for_that(live, type_):
    """A late arrival is no backlog that goes now, and an undated file goes after its week."""
    agent = live.enrol("t-1")
    now = live.clock()
    agent.sight(Instant(now - 70 * DAY), None)
    agent.sight(Instant(now - 70 * DAY), how="import", state="late", not_before=Instant(now + DAY))
    due, *later = [
        line["due_at"] for line in type_("olga", "forecast", "--days", "8", "--json").json["lines"]
    ]
    assert due < now
    assert [now + DAY, now + 7 * DAY] == later


def test_a_day_without_a_certificate_proves_nothing(live, type_):
    live.enrol("t-1").sight(Instant(live.clock() - DAY))
    live.built.rounds.prove()
    of_a_day = ("--store", "t-1", "--class", "terminal-image", "--date", "2026-01-15")
    proved = type_("uldis", "ledger", "prove", *of_a_day)
    assert (2, True) == (proved.code, proved.out.startswith("There is no certificate of that day"))


def test_a_preview_of_single_pictures_tells_the_longest_pauses_alone(live, type_):
    agent = live.enrol("t-1")
    happened = Instant(live.clock() - 3600)
    agent.sight(*(Instant(happened + 120 * each) for each in range(-3, 4)))
    told = type_("hugo", "hold", "preview", "--site", "brivibas", "--around", at(happened)).out
    assert "cam-front: 7 items" in told
    front = told.partition("cam-side")[0]
    assert 5 == front.count("no recording")
    assert "and 3 shorter pauses" in front


def test_a_marker_is_listed_and_shown_with_the_place_of_its_store(live, type_):
    agent = live.enrol("t-1", "Brīvības iela 12")
    now = live.clock()
    agent.report(report.Marked(now, "marker-event-1", Instant(now - 60), now, (), "event"))
    assert "Brīvības iela 12" in type_("hugo", "hold", "list").out
    shown = type_("hugo", "hold", "show", "marker-event-1").out
    assert "keeps all sources of t-1 (Brīvības iela 12), " in shown


def test_a_day_that_is_none_is_a_sentence(type_):
    refused = type_("uldis", "bundle", "x.zip", "--from", "yesterday")
    assert 2 == refused.code
    assert "'yesterday' is no day: write it as 2026-01-15" in refused.err


def test_the_proof_is_shown_checked_and_handed_over(live, type_, tmp_path):
    agent = live.enrol("t-1")
    began = Instant(live.clock() - 70 * DAY)
    agent.sight(began, began)
    agent.report(report.Erased(live.clock(), ((1, 2),), "due", Outcome.ERASED_VERIFIED))
    live.built.rounds.prove()
    assert "2 of 2 entries were published" in type_("uldis", "ledger", "verify").out
    assert type_("uldis", "ledger", "checkpoint").out.startswith("test/ledger\n2\n")
    day = datetime.fromtimestamp(began, RIGA).date().isoformat()
    proved = type_("uldis", "ledger", "prove", "--store", "t-1", "--class", "terminal-image",
                   "--date", day)  # fmt: skip
    assert "2 items: 2 erased, and seen to be gone" in proved.out
    assert "1 certificate, each proved to be in the ledger" in proved.out
    bundle = tmp_path / "bundle.zip"
    written = type_("uldis", "bundle", str(bundle), "--json").json
    assert (str(bundle), bundle.stat().st_size) == (written["file"], written["bytes"])
    assert bundle.stat().st_size > 1000
    assert type_("hugo", "bundle", str(tmp_path / "other.zip")).code == 1


def test_brakes_show_with_exit_code_1(live, type_):
    agent = live.enrol("t-1")
    none = type_("olga", "brake", "show")
    assert (0, "No brake is engaged.\n") == (none.code, none.out)
    why = "500 items are due"
    facts = {"at": live.clock(), "booted": "b", "clock_trusted": True, "clock_offset": 0}
    agent.report(report.Heartbeat(**facts, brake=why, frozen=False, counts=()))
    one = type_("olga", "brake", "show")
    assert 1 == one.code
    assert re.search(rf"t-1 .*{why}", one.out)


def test_the_history_tells_who_looked(live, type_):
    live.enrol("t-1").sight(Instant(live.clock() - 60))
    type_("hugo", "item", "show", "t-1/1/1")
    told = type_("uldis", "history", "t-1/1/1").out
    assert re.search(r"hugo +show +t-1/1/1", told)
    assert type_("hugo", "history").code == 1


def test_whoever_has_no_key_file_or_the_wrong_passphrase_is_told(live, type_, monkeypatch):
    lost = type_("nobody", "status")
    assert (lost.code, lost.err.count("\n")) == (2, 1)
    assert "who are you? cannot read" in lost.err
    monkeypatch.setenv("RETENTION_PASSPHRASE", "wrong horse battery")
    wrong = type_("anna", "status")
    assert (wrong.code, wrong.err) == (2, "enforcer: wrong passphrase for the key of anna\n")


def test_an_enforcer_that_does_not_answer_is_one_sentence(live, type_):
    path = live.home / "people" / "anna.toml"
    path.write_text(path.read_text().replace(live.url, "http://127.0.0.1:1"))
    silent = type_("anna", "status")
    assert silent.code == 2
    assert silent.err.startswith("enforcer: the enforcer at 127.0.0.1:1 does not answer")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"usage: enforcer {command}" in capsys.readouterr().out


def test_nothing_is_signed_unless_somebody_says_so(live, type_):
    live.enrol("t-1")
    placed = type_("hugo", "hold", "place", "crime", "--site", "brivibas", "--around", "03:10",
                   "--no-wait", "--json")  # fmt: skip
    refused = type_("aija", "hold", "release", placed.json["id"], "--reason", "over")
    assert refused.code == 2
    assert "add --yes to sign this" in refused.err
    assert type_("aija", "approve").out.splitlines()[1:] == []
