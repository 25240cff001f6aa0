"""The metrics by name. Light: a metric's module, and what it imports, is loaded when the metric is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from longtake.errors import SettingsError
from longtake.evaluate.metrics.protocol import Metric
from longtake.settings import did_you_mean

HOME = "longtake.evaluate.metrics."
METRICS = {
    "psnr": "pairs:psnr_metric",
    "ssim": "pairs:ssim_metric",
    "fid_projection": "standins:fid_projection",
    "fvd_projection": "standins:fvd_projection",
}
"""Name → module and function that makes it. Names with a suffix are stand-ins: they compare only with themselves."""


def names() -> list[str]:
    """All metrics there are."""
    return list(METRICS)


def metric(name: str) -> Metric:
    """The metric of a name; `ready()` of it says whether it can be computed here."""
    if name not in METRICS:
        raise SettingsError(
            f"There is no metric '{name}'{did_you_mean(name, METRICS)}", expected=f"one of: {', '.join(METRICS)}"
        )
    module, function = METRICS[name].split(":")
    return getattr(importlib.import_module(HOME + module), function)()


def metrics(chosen: Iterable[str]) -> list[Metric]:
    """Several metrics; 'all' is each there is."""
    chosen = list(chosen)
    return [metric(name) for name in (names() if chosen == ["all"] else chosen)]
