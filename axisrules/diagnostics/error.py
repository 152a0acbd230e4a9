"""The one exception for what users get wrong."""

from collections.abc import Iterable

from axisrules.diagnostics.diagnostic import Diagnostic
from axisrules.diagnostics.render import render_text


class AxisRulesError(ValueError):
    """User mistakes, collected and raised once at the boundary of the API.

    `diagnostics` holds every finding of the call, the permitted ones included.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__()

    def __str__(self) -> str:
        return render_text(self.diagnostics)

    def __reduce__(self) -> tuple[type, tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


def raise_errors(diagnostics: Iterable[Diagnostic]) -> None:
    """Raise AxisRulesError when any of `diagnostics` is an error."""
    found = tuple(diagnostics)
    if any(d.severity == "error" for d in found):
        raise AxisRulesError(found)


# Tracebacks show where users find it.
AxisRulesError.__module__ = "axisrules"
