"""One panel as it is thought of, and as Grafana's own schema has it.

Whoever looks at a panel is told two things: what it proves, and what to do when it is red. And none
is green because nothing was measured: a number that is judged shows "unknown" then, and so does a state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from grafana_foundation_sdk.builders import bargauge, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    ReduceDataOptions,
    VizLegendOptions,
)
from grafana_foundation_sdk.builders.dashboard import Dashboard, ThresholdsConfig
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    GraphTresholdsStyleMode,
    LegendPlacement,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from enforcer.index.histograms import ENDLESS, HOUR
from retention.calendar import DAY

UID = "retention-prometheus"  # deploy/grafana/provisioning/datasources/prometheus.yml
NOTHING = "unknown: nothing is measured"
#: What a number that is judged is where nothing was measured; no such number is negative.
UNMEASURED = -1
HEIGHT = 8

_AnyBuilder = stat.Panel | timeseries.Panel | statetimeline.Panel | bargauge.Panel
_BUILDERS: dict[str, type[_AnyBuilder]] = {
    "number": stat.Panel,
    "moment": stat.Panel,
    "curve": timeseries.Panel,
    "states": statetimeline.Panel,
    "bars": bargauge.Panel,
}
_LINE_AND_AREA = GraphTresholdsStyleMode.DASHED_AND_AREA
_LAST = ReduceDataOptions().calcs(["lastNotNull"])
_COLOURS = {"ok": "green", "unknown": "purple", "violated": "red"}
#: As `retention_compliance_state` is queried.
_STATES = {"0": "ok", "1": "unknown", "2": "violated"}


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries` are (legend, PromQL). Red is from `red` on, or below `red_below`; None: never.

    What is asked for how old evidence is says for how many seconds that is `good_for`: from then on
    nothing is known any more, and the number is "unknown". Bars are buckets up to `bounds` in seconds.
    """

    title: str
    shape: Literal["number", "moment", "curve", "states", "bars"]
    queries: tuple[tuple[str, str], ...]
    proves: str
    when_red: str
    unit: str = "short"
    red: float | None = None
    red_below: float | None = None
    good_for: int | None = None
    bounds: tuple[int, ...] = ()
    width: int = 8

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The queries as they are sent: where nothing was measured, one says so."""
        if self.shape == "states":
            return [(legend, f"{q} or on () {_EVERYTHING}") for legend, q in self.queries]
        if self.shape == "number" and self.judged:
            fresh = "" if self.good_for is None else f" < {self.good_for}"
            return [(n, f"({q}){fresh} or on () vector({UNMEASURED})") for n, q in self.queries]
        return list(self.queries)

    @property
    def judged(self) -> bool:
        """Whether one of its colours says that all is well."""
        return any(each is not None for each in (self.red, self.red_below, self.good_for))

    def build(self, builder: Dashboard) -> Dashboard:
        """Add it to a dashboard."""
        otherwise = "red" if self.good_for is None else "unknown"
        panel = (
            _BUILDERS[self.shape]()
            .title(self.title)
            .description(f"{self.proves} When {otherwise}: {self.when_red}")
            .datasource(DataSourceRef("prometheus", UID))
            .unit(self.unit)
            .span(self.width)
            .height(HEIGHT)
            .no_value(NOTHING)
            .thresholds(self._thresholds())
            .mappings(self._mappings())
        )
        self._look_of(panel)
        for number, (legend, query) in enumerate(self.asked):
            panel.with_target(self._target(legend, query).ref_id("ABC"[number]))
        return builder.with_panel(panel)

    def _look_of(self, panel: Any) -> None:
        """What is the shape's own. A curve shows where red begins only if it is told to."""
        if isinstance(panel, stat.Panel):
            panel.graph_mode(BigValueGraphMode.NONE).reduce_options(_LAST)
        elif isinstance(panel, bargauge.Panel):
            panel.reduce_options(_LAST)
            for bound in self.bounds:
                named = DynamicConfigValue("displayName", bucket_words(bound))
                panel.override_by_name(bucket_label(bound), [named])
        else:
            panel.legend(VizLegendOptions().show_legend(True).placement(LegendPlacement.BOTTOM))
        if isinstance(panel, timeseries.Panel) and self.judged:
            panel.thresholds_style(GraphThresholdsStyleConfig().mode(_LINE_AND_AREA))

    def _target(self, legend: str, query: str) -> prometheus.Dataquery:
        target = prometheus.Dataquery().expr(query).legend_format(legend)
        if self.shape == "bars":  # Grafana takes the cumulated buckets apart
            target.format(PromQueryFormat.HEATMAP)
        return target.range() if self.shape in {"curve", "states"} else target.instant()

    def _mappings(self) -> list[ValueMapping]:
        if self.shape == "states":
            return [_mapping(_STATES)]
        return [_mapping({str(UNMEASURED): "unknown"})] if self.judged else []

    def _thresholds(self) -> ThresholdsConfig:
        steps = [Threshold(None, "green")]
        if self.red is not None:
            steps.append(Threshold(self.red, "red"))
        if self.red_below is not None:
            steps = [Threshold(None, "red"), Threshold(self.red_below, "green")]
        if not self.judged:
            steps = [Threshold(None, "blue")]
        return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def bucket_label(bound: int) -> str:
    """What Prometheus calls a bucket."""
    return "+Inf" if bound == ENDLESS else str(float(bound))


def bucket_words(bound: int) -> str:
    """What people call it: seconds of 60 days nobody can read. Below 0 something was late."""
    if bound == ENDLESS:
        return "more"
    if bound == 0:
        return "late"
    unit, length = ("day", DAY) if bound % DAY == 0 else ("hour", HOUR)
    number = abs(bound) // length
    span = f"{number} {unit}{'' if number == 1 else 's'}"
    return f"up to {span}" if bound > 0 else f"late by {span} or more"


#: Where no class is known, nothing is: one line that says so.
_EVERYTHING = 'label_replace(vector(1), "class", "everything", "", "")'


def _mapping(words: Mapping[str, str]) -> ValueMap:
    """Words for numbers, each in its colour."""
    return ValueMap(
        options={
            number: ValueMappingResult(text=word, color=_COLOURS[word], index=index)
            for index, (number, word) in enumerate(words.items())
        }
    )
