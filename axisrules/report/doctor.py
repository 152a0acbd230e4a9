"""What is installed, what can be compiled for with it, and what would mend what cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from axisrules.diagnostics import Diagnostic, printable, to_json
from axisrules.report.columns import Column, table_of
from axisrules.report.findings import styled_findings
from axisrules.report.plain import plain_text

READY = "ready"


@dataclass(frozen=True)
class DoctorTable:
    """An installation: `facts` of the machine, `versions` of packages, and what keeps a platform from work.

    `problems` has a platform (`local`, `tpu`, `gpu`) with a diagnostic whose `fix` is the one command that
    mends it, or None where it is ready.
    """

    versions: Mapping[str, str]
    problems: Mapping[str, Diagnostic | None]
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether every platform can be compiled for."""
        return not any(self.problems.values())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for values in (self.facts, self.versions):
            if values:
                yield table_of(
                    [
                        Column("", tuple(map(printable, values)), is_number=False, style="dim"),
                        Column("", tuple(map(printable, values.values())), is_number=False),
                    ]
                )
                yield ""
        for platform, problem in self.problems.items():
            state = (READY, "green") if problem is None else (problem.title, "bold red")
            yield Text.assemble((f"{platform:<6}", "bold"), state)
        found = [problem for problem in self.problems.values() if problem]
        if found:
            yield ""
            yield styled_findings(found)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`: the facts, the versions, and per platform its problem or null."""
        return {
            "facts": dict(self.facts),
            "versions": dict(self.versions),
            "platforms": {
                platform: None if problem is None else to_json(problem)
                for platform, problem in self.problems.items()
            },
            "is_ready": self.is_ready,
        }

    def __str__(self) -> str:
        return plain_text(self)
