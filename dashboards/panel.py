"""One panel as it is thought of, and as Grafana's own schema has it.

Whoever looks at a panel is told two things: what it proves, and what to do when it is red.
"""

from dataclasses import dataclass
from typing import Literal

from grafana_foundation_sdk.builders import bargauge, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

UID = "retention-prometheus"  # dashboards/provisioning/datasources/prometheus.yml

_BUILDERS = {
    "number": stat.Panel,
    "curve": timeseries.Panel,
    "states": statetimeline.Panel,
    "bars": bargauge.Panel,
}


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries` are (legend, PromQL). Red is from `red` on, or below `red_below`; None: never."""

    title: str
    shape: Literal["number", "curve", "states", "bars"]
    queries: tuple[tuple[str, str], ...]
    proves: str
    when_red: str
    unit: str = "short"
    red: float | None = None
    red_below: float | None = None
    width: int = 8

    def build(self, builder: Dashboard) -> Dashboard:
        """Add it to a dashboard."""
        panel = (
            _BUILDERS[self.shape]()
            .title(self.title)
            .description(f"{self.proves} When red: {self.when_red}")
            .datasource(DataSourceRef("prometheus", UID))
            .unit(self.unit)
            .span(self.width)
            .height(8)
            .thresholds(self._thresholds())
        )
        for number, (legend, query) in enumerate(self.queries):
            target = prometheus.Dataquery().expr(query).legend_format(legend).ref_id("ABC"[number])
            panel.with_target(
                target.range() if self.shape in {"curve", "states"} else target.instant()
            )
        return builder.with_panel(panel)

    def _thresholds(self) -> ThresholdsConfig:
        steps = [Threshold(None, "green")]
        if self.red is not None:
            steps.append(Threshold(self.red, "red"))
        if self.red_below is not None:
            steps = [Threshold(None, "red"), Threshold(self.red_below, "green")]
        return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
