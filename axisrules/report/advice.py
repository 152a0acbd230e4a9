"""What was tried in a table's place: every change with its outcome, and the advice that holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from axisrules.diagnostics import printable, to_json
from axisrules.report.columns import NOTHING, Column, spaced_tables
from axisrules.report.findings import styled_findings
from axisrules.report.layout_words import error_words, layout_title, over_words, share_words
from axisrules.report.plain import plain_text
from axisrules.report.quantities import percent, readable_bytes, readable_seconds

if TYPE_CHECKING:
    from axisrules.advice import Advice, Trial, Verdict
    from axisrules.evidence import LayoutEvidence

MAX_LINE = 400


@dataclass(frozen=True)
class AdviceTable:
    """The advice on one table: in a terminal and as JSON."""

    advice: Advice
    error_bar: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        base = self.advice.base
        yield Text.assemble((layout_title(base), "bold"), f" ({base.mesh}): {_base_words(base)}")
        if base.error is not None:
            yield Text(error_words(base.error))
        if self.advice.verdicts:
            yield ""
            yield from spaced_tables(*_columns(self.advice.verdicts), options.max_width)
            yield ""
            yield Text(self._legend, "dim")
        yield from _problems(self.advice.verdicts)
        yield ""
        if self.advice.findings:
            yield styled_findings(self.advice.findings)
        else:
            yield Text(_nothing_words(self.advice), "green" if base.error is None else "")

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: the table, every trial with its lines and outcome, the findings."""
        base = self.advice.base
        return {
            "layout": base.rules,
            "target": str(base.target),
            "mesh": str(base.mesh),
            "error_bar": self.error_bar,
            "error": base.error,
            **_facts(base),
            "advice": [_verdict_json(verdict) for verdict in self.advice.verdicts],
            "diagnostics": [to_json(finding) for finding in self.advice.findings],
        }

    def __str__(self) -> str:
        return plain_text(self)

    @property
    def _legend(self) -> str:
        return (
            "every change was compiled and not run; saved is the part of the step as it stands, by the cost"
            f" model, and {percent(self.error_bar)} or less is a tie"
        )


def _base_words(base: LayoutEvidence) -> str:
    if base.step_seconds is None:
        return "no estimate"
    words = f"{readable_seconds(base.step_seconds)} a step by the model, {share_words(base)} communication"
    return f"{words}; {over}" if (over := over_words(base)) else words


def _nothing_words(advice: Advice) -> str:
    if advice.base.error is not None:
        return "no advice, for want of evidence"
    tried = sum(len(verdict.trials) for verdict in advice.verdicts)
    return f"none of {tried} changes is better" if tried else "nothing to try"


def _columns(verdicts: tuple[Verdict, ...]) -> tuple[list[Column], list[Column]]:
    rows = [(verdict, trial) for verdict in verdicts for trial in verdict.trials]
    words = tuple(printable(trial.change.words, MAX_LINE) for _, trial in rows)
    keys = [
        Column("advice", tuple(verdict.code.code for verdict, _ in rows), is_number=False, style="bold"),
        Column("change", words, is_number=False),
    ]
    gains = [verdict.gain(trial) for verdict, trial in rows]
    evidence = [trial.evidence for _, trial in rows]
    facts = [
        Column("is", tuple(verdict.outcome(trial) for verdict, trial in rows), "result", is_number=False),
        Column("saved", tuple(NOTHING if gain is None else percent(gain) for gain in gains), "result"),
        Column("step", tuple(_seconds_words(one) for one in evidence), "result"),
        Column("waits", tuple(NOTHING if one is None else share_words(one) for one in evidence), "result"),
        Column("needed", tuple(_bytes_words(one) for one in evidence), "result"),
    ]
    return keys, facts


def _seconds_words(one: LayoutEvidence | None) -> str:
    return NOTHING if one is None or one.step_seconds is None else readable_seconds(one.step_seconds)


def _bytes_words(one: LayoutEvidence | None) -> str:
    return NOTHING if one is None or one.needed_bytes is None else readable_bytes(one.needed_bytes)


def _problems(verdicts: tuple[Verdict, ...]) -> Iterator[RenderableType]:
    """Why trials have no evidence, each reason once."""
    problems = {trial.problem: trial for verdict in verdicts for trial in verdict.trials if trial.problem}
    for problem, trial in problems.items():
        yield ""
        yield Text.assemble((printable(trial.change.words, MAX_LINE), "bold"), ": not tried")
        yield Text(error_words(problem))


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "code": verdict.code.code,
        "because": verdict.because,
        "fires": verdict.finding is not None,
        "trials": [_trial_json(verdict, trial) for trial in verdict.trials],
    }


def _trial_json(verdict: Verdict, trial: Trial) -> dict[str, Any]:
    return {
        "change": trial.change.words,
        "lines": list(trial.change.lines),
        "outcome": verdict.outcome(trial),
        "saved": verdict.gain(trial),
        "problem": trial.problem or None,
        **_facts(trial.evidence),
    }


def _facts(one: LayoutEvidence | None) -> dict[str, Any]:
    return {
        "step_seconds": one.step_seconds if one else None,
        "communication_share": one.communication_share if one else None,
        "fits": one.fits if one else None,
        "needed_bytes": one.needed_bytes if one else None,
    }
