"""Published numbers beside ours: only those with a source, and only where the protocols agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longtake.errors import SettingsError
from longtake.evaluate.kit.results import System

NONE_SOURCED = "No published numbers are shown: the recipe gives none with their source."


def paper_part(paper: Mapping[str, Any], systems: list[System], data_hash: str) -> dict[str, Any]:
    """What the report shows of the published numbers: rows and columns that compare, and why others are left out.

    `paper` names `source` (where they stand), `split` (hash of the clips they were measured on), `protocols` (by score, the
    hash of ours that agrees with theirs) and `row`s. A number without all of these is never shown.
    """
    if not paper:
        return {}
    if not paper.get("row"):
        return {"said": paper.get("said", NONE_SOURCED)}
    if not paper.get("source"):
        raise SettingsError("The recipe's [paper] has rows but no source.", do='source = "where the numbers stand"')
    ours = {score.name: score for system in systems for score in system.scores}
    agreed, left = [], []
    for name, protocol in paper.get("protocols", {}).items():
        score = ours.get(name)
        if score is None:
            left.append(f"{name} was not measured here")
        elif not score.comparable:
            left.append(f"{name} is a stand-in here")
        elif score.protocol != protocol:
            left.append(f"{name} was measured by protocol {score.protocol}, not {protocol}")
        else:
            agreed.append(name)
    if paper.get("split") != data_hash:
        return {
            "said": f"Published numbers ({paper['source']}) are left out: they were measured on other clips than these."
        }
    if not agreed:
        return {
            "said": f"Published numbers ({paper['source']}) are left out: {'; '.join(left) or 'no protocol agrees'}."
        }
    rows = [{"method": row["method"], **{name: row.get(name) for name in agreed}} for row in paper["row"]]
    return {"source": paper["source"], "columns": agreed, "rows": rows, "said": "; ".join(left)}
