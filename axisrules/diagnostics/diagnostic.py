"""The values every stage reports with: where, what, why, and how to mend it."""

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
