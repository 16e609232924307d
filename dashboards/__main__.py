"""`python -m dashboards`: write each dashboard beside this file, ready to be provisioned."""

from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.boards import BOARDS

HERE = Path(__file__).parent


def written() -> dict[Path, str]:
    """Each file and what is to be in it."""
    return {HERE / f"{name}.json": _json(name) for name in BOARDS}


def _json(name: str) -> str:
    title, panels = BOARDS[name]
    board = (
        Dashboard(f"Retention: {title}")
        .uid(f"retention-{name}")
        .tags(["retention"])
        .timezone("Europe/Riga")
        .time("now-7d", "now")
        .refresh("1m")
        .readonly()
    )
    for panel in panels:
        panel.build(board)
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text)
