"""What is installed, what can be compiled for with it, and what would mend what cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from axisrules.diagnostics import printable, to_json
from axisrules.report.findings import styled_findings
from axisrules.report.plain import plain_text

if TYPE_CHECKING:
    from axisrules.targets import Examination


@dataclass(frozen=True)
class DoctorTable:
    """An installation, examined: in a terminal and as JSON. Every problem names the command that mends it."""

    examination: Examination

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for pairs in (self.examination.facts, self.examination.versions):
            shown = Table.grid(padding=(0, 2, 0, 0))
            for name, value in pairs:
                shown.add_row(Text(printable(name), "dim"), Text(printable(value)))
            yield shown
            yield ""
        for platform, problem in self.examination.problems:
            state = ("ready", "green") if problem is None else (problem.title, "bold red")
            yield Text.assemble((f"{platform:<6}", "bold"), state)
        found = [problem for _, problem in self.examination.problems if problem]
        if found:
            yield ""
            yield styled_findings(found)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: the facts, the versions, and per platform its problem or null."""
        return {
            "facts": dict(self.examination.facts),
            "versions": dict(self.examination.versions),
            "platforms": {
                platform: None if problem is None else to_json(problem)
                for platform, problem in self.examination.problems
            },
            "is_ready": self.examination.is_ready,
        }

    def __str__(self) -> str:
        return plain_text(self)
