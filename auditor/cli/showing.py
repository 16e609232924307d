"""How what was found is shown."""

from typing import Any

import msgspec

from auditor.findings import Report, Verdict
from auditor.rescan import printable

CONCLUSIONS = {
    Verdict.OK: "OK: all that could be checked is as it should be.",
    Verdict.VIOLATED: "VIOLATED: something is not as it should be, see above.",
    Verdict.UNKNOWN: "UNKNOWN: nothing wrong was found, and not everything could be established.",
}


def print_findings(report: Report) -> None:
    """A line for each."""
    for finding in report.findings:
        print(f"{finding.verdict:8}  {finding.check:12}  {clean(finding.text)}")


def summary(report: Report) -> dict[str, Any]:
    """The verdict, and what it comes from."""
    return {"verdict": report.verdict, "findings": report.findings}


def print_json(document: dict[str, Any]) -> None:
    """One document on one line."""
    print(msgspec.json.encode(document).decode())


def clean(text: str) -> str:
    """What others wrote, as one line that does nothing to a terminal."""
    return printable(text.encode("utf-8", "surrogatepass"))
