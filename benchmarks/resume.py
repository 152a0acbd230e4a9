"""Figures of one part of a long benchmark, kept until the versions change, so that a run can go on."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from benchmarks.report import RESULTS, Figure, facts


def resumed(title: str, part: str, measure: Callable[[], Sequence[Figure]], *, again: bool) -> list[Figure]:
    """The part's figures: those of an earlier run with the same versions, or else measured now and kept.

    They lie in results/TITLE/PART.json; `again` measures them whatever is there.
    """
    kept = RESULTS / title / f"{part}.json"
    versions = facts()["versions"]
    if kept.exists() and not again:
        stored = json.loads(kept.read_text(encoding="utf-8"))
        if stored["versions"] == versions:
            return [Figure(**figure) for figure in stored["figures"]]
    figures = list(measure())
    kept.parent.mkdir(parents=True, exist_ok=True)
    written = kept.with_suffix(".part")
    stored = {"versions": versions, "figures": [asdict(figure) for figure in figures]}
    written.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    written.replace(kept)
    return figures
