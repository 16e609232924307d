"""What is found is said of one as of many, and names as they are."""

import pytest

from auditor.findings import Report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 recordings were erased", "1 recording was erased"),
        (
            "t-1, image, 2026-01-01: 1 are past the limit",
            "t-1, image, 2026-01-01: 1 is past the limit",
        ),
        (
            "1 delete markers without a version are late",
            "1 delete marker without a version is late",
        ),
        ("a checkpoint of 1 entries was seen", "a checkpoint of 1 entry was seen"),
        ("21 recordings were erased", "21 recordings were erased"),
        (
            "1 names could not be read, such as 1 files are.wav",
            "1 name could not be read, such as 1 files are.wav",
        ),
    ],
)
def test_of_one_it_is_said_in_the_singular(text: str, expected: str):
    report = Report()
    report.unknown("reading", text)
    assert [expected] == [finding.text for finding in report.findings]
