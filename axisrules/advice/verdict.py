"""Two layouts, both compiled: whether the other one is better by more than the estimate may err, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from axisrules.advice.counterfactual import Change
from axisrules.diagnostics import Code, Diagnostic
from axisrules.evidence import ERROR_BAR, LayoutEvidence

# Of what a change saves, so many parts are named, and none smaller than this share of the step.
NAMED_PARTS, WORTH_NAMING = 2, 0.02

Outcome = Literal["better", "fits", "tie", "slower", "does not fit", "unknown"]


@dataclass(frozen=True)
class Proposal:
    """What may be wrong with a table, by numbers that cost nothing, and what might be in its place."""

    because: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, eq=False)
class Trial:
    """A change and its evidence; `problem` says why there is none, or why it cannot be compared."""

    change: Change
    evidence: LayoutEvidence | None = None
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What became of one piece of advice: every trial with its outcome, and a finding where it fires."""

    code: Code
    because: str
    base: LayoutEvidence
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial | None:
        """The fastest trial that is better; None where none is."""
        better = [trial for trial in self.trials if self.outcome(trial) in ("better", "fits")]
        return min(better, key=lambda trial: _seconds(trial.evidence), default=None)

    def outcome(self, trial: Trial) -> Outcome:
        """What a trial is beside the table as it stands.

        Where the table does not fit, a trial that does `fits`, however long it takes. Of two that fit, one is
        better whose step is shorter by more than ERROR_BAR, and slower the other way round; in between they
        are a tie.
        """
        found, gain = trial.evidence, self.gain(trial)
        if found is not None and found.fits is False:
            return "does not fit"
        if found is None or gain is None or not found.fits:
            return "unknown"
        if self.base.fits is False:
            return "fits"
        if gain > ERROR_BAR:
            return "better"
        return "slower" if 1 - 1 / (1 - gain) > ERROR_BAR else "tie"

    def gain(self, trial: Trial) -> float | None:
        """The part of the step that a trial saves, negative where it takes longer; None if not known."""
        found = trial.evidence
        if found is None or not found.step_seconds or not self.base.step_seconds:
            return None
        return 1 - found.step_seconds / self.base.step_seconds

    @property
    def finding(self) -> Diagnostic | None:
        """The advice, with what it would gain and the lines that make the change; None if none is better."""
        best = self.best
        if best is None or best.evidence is None:
            return None
        why = f"{self.because}; {gain_words(self.base, best.evidence)}"
        subject = f"{self.base.rules} on {self.base.target} ({self.base.mesh})"
        return self.code.at(subject=subject, why=why, fix=f"{best.change.words}: {best.change.line}")


def gain_words(base: LayoutEvidence, other: LayoutEvidence) -> str:
    """What `other` has over `base`: that it fits at all, or the time it saves and where that time was.

    The parts that fall most are named, as shares of the step as it stands.
    """
    if base.fits is False:
        return (
            f"it does not fit, with {base.needed_bytes or 0:,} of {base.hbm_bytes or 0:,} bytes,"
            f" and this does, with {other.needed_bytes or 0:,}"
        )
    before, after = _seconds(base), _seconds(other)
    times = f"{before * 1e3:.3g} ms to {after * 1e3:.3g}"
    words = f"{1 - after / before:.0%} of the step would be saved ({times})"
    parts, left = _parts(base), _parts(other)
    shares = {name: (seconds / before, left.get(name, 0.0) / before) for name, seconds in parts.items()}
    fallen = sorted(shares, key=lambda name: shares[name][1] - shares[name][0])[:NAMED_PARTS]
    said = [
        f"{name} falls from {shares[name][0]:.0%} of it to {shares[name][1]:.0%}"
        for name in fallen
        if shares[name][0] - shares[name][1] > WORTH_NAMING
    ]
    return f"{words}: {', '.join(said)}" if said else words


def _parts(evidence: LayoutEvidence) -> dict[str, float]:
    """The seconds of a step by what it spends them on."""
    parts: dict[str, float] = {}
    for term in evidence.estimate.terms if evidence.estimate else ():
        parts[term.words] = parts.get(term.words, 0.0) + term.seconds
    return parts


def _seconds(evidence: LayoutEvidence | None) -> float:
    return evidence.step_seconds or 0.0 if evidence else 0.0
