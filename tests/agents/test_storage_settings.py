"""A pattern that does not do what its examples say is refused, and so is every other mistake."""

import re
from pathlib import Path

import pytest

from agents.cli import main
from agents.cli.configured import composed
from agents.service.settings import read
from agents.storage.recorders import BUILT_IN, Recorders
from agents.storage.settings import Bucket, Csv, Settings, SqlTable, Start, of, recorders_of
from agents.stores import Part, Role
from agents.terminal import settings as terminals
from retention.errors import ConfigError
from retention.probes import BytesSource, Candidate, Telephone, TimeSource
from retention.probes.candidate import Span

CONFIG = Path(__file__).parent.parent.parent / "config"
EXAMPLE = CONFIG / "storage.example.toml"
CORPUS = Path(__file__).parent.parent / "media" / "calls"


def load(path: Path) -> Settings:
    return of(read(path), path)


def test_the_example_loads_and_what_it_shows_commented_out_is_the_default(tmp_path: Path):
    shown = load(EXAMPLE)
    text = EXAMPLE.read_text()
    general, place = text.split("\n# The tree of directories")
    whole = tmp_path / "whole.toml"
    whole.write_text(re.sub(r"^# (\w+ = )", r"\1", general, flags=re.MULTILINE) + "\n#" + place)
    everything = load(whole)
    for name in set(Settings.__struct_fields__) - {
        "freeze",
        "metrics_port",
        "directory",
        "number_keys",
    }:
        assert getattr(shown, name) == getattr(everything, name), name
    named = set(re.findall(r"^#? ?(\w+) = ", text, re.MULTILINE))
    for kind, table in (
        (Settings, {"directory", "bucket", "files", "csv", "tables"}),
        (Csv, set()),
        (SqlTable, set()),
        (Bucket, set()),
        (Start, set()),
    ):
        assert set(kind.__struct_fields__) - table <= named


def test_the_bucket_of_the_example_is_one_and_what_it_shows_commented_out_is_the_default(
    tmp_path: Path,
):
    [table] = re.findall(r"(?s)^# \[bucket\]\n.*?\n\n", EXAMPLE.read_text(), re.MULTILINE)
    shown = "\n".join(line.removeprefix("# ") for line in table.splitlines() if " = " in line)
    place = tmp_path / "bucket.toml"
    place.write_text('state = "/b"\nenforcer = "https://c"\n[bucket]\n' + shown)
    bucket = load(place).bucket
    assert bucket is not None
    fewest = Bucket(endpoint=bucket.endpoint, name=bucket.name)
    for name in ("region", "timeout"):
        assert getattr(fewest, name) == getattr(bucket, name)


def rows_of(*sections: str) -> str:
    """Sections of the example that it shows commented out."""
    text = EXAMPLE.read_text()
    found = [re.findall(rf"(?s)^# \[\[{s}\]\]\n.*?\n\n", text, re.MULTILINE)[0] for s in sections]
    return re.sub(r"^# ", "", "\n".join(found), flags=re.MULTILINE)


def test_the_rows_of_the_example_are_ones(tmp_path: Path):
    path = tmp_path / "rows.toml"
    path.write_text(PLACE + rows_of("csv", "tables"))
    shown = load(path)
    [csv], [table] = shown.csv, shown.tables
    assert (csv.place, table.place) == ("cdr", "ratings")
    assert csv.shape.numbers == ("src", "dst")
    assert table.blank == ("comment",)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('place = "cdr"', 'place = "a/b"'), "'a/b' cannot name a place of rows"),
        (('place = "cdr"', 'place = "ratings"'), "two places of rows have the same name"),
        (('zone = "Europe/Riga"', 'zone = "Riga"'), "'Riga' is no time zone"),
        (('time_format = "%Y-%m-%d', 'time_format = "%Q'), "has %Q"),
        (('time = "start"', 'time = "began"'), "among its columns there is no began"),
        (('root = "/var/log', 'root = "var/log'), "root must be an absolute path"),
    ],
)
def test_rows_that_cannot_be_meant_so_are_a_sentence(
    tmp_path: Path, change: tuple[str, str], sentence: str
):
    path = tmp_path / "rows.toml"
    rows = rows_of("csv", "tables")
    assert change[0] in rows
    path.write_text(PLACE + rows.replace(*change, 1))
    with pytest.raises(ConfigError, match=sentence):
        load(path)


def test_the_file_says_which_kind_of_agent_it_is_for():
    assert isinstance(composed(EXAMPLE).settings, Settings)
    assert isinstance(composed(CONFIG / "terminal.example.toml").settings, terminals.Settings)


@pytest.mark.parametrize("table", ["csv", "tables"])
def test_rows_beside_no_recordings_are_refused_as_a_storages_and_not_as_a_terminals(
    tmp_path: Path, table: str
):
    path = tmp_path / "rows.toml"
    path.write_text('state = "/b"\nenforcer = "https://c"\n' + rows_of(table))
    with pytest.raises(ConfigError, match=r"either a \[directory\] or a"):
        composed(path)


PLACE = 'state = "/b"\nenforcer = "https://c"\n[directory]\nroot = "/a"\n'
FILES = '[[files]]\nrole = "recording"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (PLACE.replace('"/a"', '"a"'), "root must be an absolute path"),
        (PLACE + '[bucket]\nendpoint = "https://s3"\nname = "x"\n', "either a .directory. or a"),
        ('recorders = ["asterix"]\n' + PLACE, "asterisk, rtpengine"),
        (PLACE + FILES + 'pattern = "x"\nexamples = {}\n', "does not say which part"),
        (PLACE + FILES + 'pattern = "(?P<call>x"\nexamples = {}\n', "is none"),
        (PLACE + FILES + 'pattern = "(?P<call>x)"\nexamples = {}\n', "has no example"),
        (PLACE + FILES + 'pattern = "(?P<call>x)"\nexamples = { y = "y" }\n', "does not match"),
        (PLACE + FILES + 'pattern = "(?P<call>.)y"\nexamples = { xy = "y" }\n', "part of 'x'"),
        (
            PLACE + FILES + 'pattern = "(?P<call>.)"\nexamples = { y = "y" }\nothers = ["z"]\n',
            "should not",
        ),
        (
            PLACE + FILES + 'pattern = "(?P<call>x)"\nexamples = { x = "x" }\n[files.began]\n',
            "either in a field or in a line",
        ),
        (
            PLACE
            + FILES
            + 'pattern = "(?P<call>x)"\nexamples = { x = "x" }\n[files.began]\nline = "%H"\n',
            "no whole date",
        ),
    ],
)
def test_each_mistake_is_one_sentence(tmp_path: Path, text: str, sentence: str):
    path = tmp_path / "storage.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        load(path)


def test_a_command_refuses_settings_whose_examples_do_not_match(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "storage.toml"
    path.write_text(PLACE + FILES + 'pattern = "(?P<call>x)"\nexamples = { y = "y" }\n')
    assert 2 == main(["run", "--config", str(path)])
    assert "does not match its example 'y'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("20261122-031000-1795309800.17.wav", Part(b"1795309800.17", Role.RECORDING)),
        ("tx-20261122-031000-1795309800.17.gsm", Part(b"1795309800.17", Role.RECORDING)),
        ("a/b/20261122-031000-pbx-1795309800.17.wav", Part(b"pbx-1795309800.17", Role.RECORDING)),
        ("q-600-0-20261122-031000-1795309800.17.WAV", Part(b"1795309800.17", Role.RECORDING)),
        ("20261122-031000-1795309800.17.xml", Part(b"1795309800.17", Role.COMPANION)),
        ("20261122-031000-1795309800.17_rating.json", Part(b"1795309800.17", Role.COMPANION)),
        ("20261122-031000.wav", None),
        ("holiday.jpg", None),
    ],
)
def test_what_asterisk_leaves_is_known(path: str, part: Part | None):
    directory, _, title = path.encode().rpartition(b"/")
    assert part == Recorders(BUILT_IN["asterisk"]).part(directory, title)


def test_real_calls_are_put_together_by_what_their_recorders_call_them():
    recorders = Recorders([*BUILT_IN["rtpengine"], *BUILT_IN["baresip"]])
    root = CORPUS / "loopback"
    paths = [path for path in root.rglob("*") if path.is_file()]
    calls: dict[bytes, list[Role]] = {}
    for path in paths:
        directory = str(path.parent.relative_to(root)).encode()
        part = recorders.part(directory, path.name.encode())
        assert part is not None, path
        calls.setdefault(part.whole, []).append(part.role)
    recording, companion = Role.RECORDING, Role.COMPANION
    pairs = sorted(map(sorted, calls.values()))
    assert [[recording] * 2] * 2 + [[recording, companion]] * 2 == pairs


def test_the_metadata_of_rtpengine_says_when_a_call_began_and_who_spoke():
    recorders = Recorders(BUILT_IN["rtpengine"])
    for path in (CORPUS / "loopback/rtpengine/metadata").iterdir():
        source = BytesSource(path.read_bytes())
        began, *numbers = recorders.told(b"metadata", path.name.encode(), source)
        assert [Telephone("+37120000001"), Telephone("+37167000000")] == numbers
        assert isinstance(began, Candidate)
        assert TimeSource.SIDECAR is began.source
        written = re.search(r"call start time: (\S+)", path.read_text())
        assert written is not None
        assert 2 * 3600 == round(  # Riga's wall clock in winter, to the second
            (began.value.fromisoformat(written[1] + "+00:00") - began.value).total_seconds()
        )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ('{"call": {"started": "2026-11-22T03:10:00+02:00"}}', ["2026-11-22T03:10:00+02:00"]),
        ('{"call": {"started": 1795309800, "duration": 61.2}}', ["2026-11-22T01:10:00+00:00", 62]),
        ('{"call": {"started": 1795309800123}}', ["2026-11-22T01:10:00+00:00"]),
        ('{"call": {"started": "2026-11-22 03:10:00", "duration": -1}}', ["2026-11-22T03:10:00"]),
        ('{"call": {"started": "yesterday"}}', []),
        ('{"call": []}', []),
        ('{"call": {"started": {"x": 1}}}', []),
        ("[1]", []),
        ('{"call": {"started": "2026-11-', []),
        ("[" * 200_000, []),
        ("\x00\xff", []),
    ],
)
def test_a_json_sidecar_says_when_and_for_how_long_in_its_declared_fields(
    told: str, expected: list
):
    source = BytesSource(told.encode("latin-1"))
    found = recorders_of(load(EXAMPLE)).told(b"", b"call-4711.json", source)
    assert expected == [f.seconds if isinstance(f, Span) else f.value.isoformat() for f in found]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ('{"from": "+371 2000 0001", "to": "101"}', ["+371 2000 0001", "101"]),
        ('{"from": 20000001, "to": null}', ["20000001"]),
        ('{"parties": [{"number": "20000001"}, {"name": "K"}, 5, {"number": ["67000000"]}]}', 2),
        ('{"parties": [' + '{"number": "20000001"},' * 1000 + "0]}", 16),
        ('{"from": {"number": "20000001"}}', []),
        ('{"from": true, "to": 2e7}', ["True"]),  # whatever that is, it is no telephone number
        ('{"from": "2000', []),
    ],
)
def test_a_json_sidecar_says_who_spoke_in_its_declared_fields(told: str, expected: list | int):
    source = BytesSource(told.encode())
    found = recorders_of(load(EXAMPLE)).told(b"", b"call-4711.json", source)
    written = [each.written for each in found if isinstance(each, Telephone)]
    assert expected in (written, len(written))


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("20261122-031000-1795309800.17.wav", []),
        ("rx-20261122-031000-1795309800.17.wav", []),
        ("out-67000000-101-20261122-031000-1795309800.17.wav", ["67000000", "101"]),
        ("external-101-+37120000001-20261122-031000-1795309800.17.WAV", ["101", "+37120000001"]),
        ("q-600-anonymous-20261122-031000-riga-1795309800.17.gsm", ["600", "anonymous"]),
        ("rx-in-67000000-20000001-20261122-031000-1795309800.17.wav", ["67000000", "20000001"]),
        ("out-67000000-101-20261122-031000-1795309800.17.json", ["67000000", "101"]),
        ("20261121-20261122-20261122-031000-1795309800.17.wav", []),  # dates are no numbers
    ],
)
def test_a_name_of_asterisk_says_who_spoke(name: str, numbers: list[str]):
    found = Recorders(BUILT_IN["asterisk"]).told(b"2026/11", name.encode(), BytesSource(b""))
    assert [Telephone(number) for number in numbers] == list(found)
