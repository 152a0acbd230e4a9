"""The values every stage reports with: where, what, why, and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning", "note"]
Policy = Literal["error", "warn", "allow"]

SEVERITY_OF: dict[Policy, Severity] = {"error": "error", "warn": "warning", "allow": "note"}


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in a file a user wrote; `line` counts from 1, and 0 means the whole file."""

    file: str
    line: int = 0
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `why` gives the numbers; `fix` is an edit that the user can make."""

    code: str
    title: str
    severity: Severity
    origin: Origin | None = None
    subject: str = ""
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding: its stable code, its title and how serious it is by default."""

    code: str
    title: str
    severity: Severity = "error"

    def at(
        self,
        origin: Origin | None = None,
        *,
        subject: str = "",
        why: str = "",
        fix: str = "",
    ) -> Diagnostic:
        """A finding of this kind at `origin`."""
        return Diagnostic(self.code, self.title, self.severity, origin, subject, why, fix)

    def under(self, policy: Policy) -> "Code":
        """The same code, as serious as `policy` makes it: `allow` leaves a note."""
        return replace(self, severity=SEVERITY_OF[policy])


class AxisRulesError(ValueError):
    """User mistakes, collected and raised once at the boundary of the API.

    `diagnostics` holds every finding of the call, the permitted ones included.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__()

    def __str__(self) -> str:
        from axisrules.diagnostics.render import render_text  # noqa: PLC0415  (render.py needs Diagnostic)

        return render_text(self.diagnostics)

    def __reduce__(self) -> tuple[type, tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


def raise_errors(diagnostics: Iterable[Diagnostic]) -> None:
    """Raise AxisRulesError when any of `diagnostics` is an error."""
    found = tuple(diagnostics)
    if any(d.severity == "error" for d in found):
        raise AxisRulesError(found)
