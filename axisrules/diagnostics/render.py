"""Diagnostics as text for people and as plain values for JSON."""

from collections.abc import Iterable

from axisrules.diagnostics.diagnostic import Diagnostic
from axisrules.diagnostics.escape import printable


def render_text(diagnostics: Iterable[Diagnostic]) -> str:
    """Every diagnostic as a block of text, one blank line between two."""
    return "\n\n".join(_block(d) for d in diagnostics)


def to_json(diagnostic: Diagnostic) -> dict[str, object]:
    """The diagnostic as JSON values; `file` and `line` are null where it has no origin."""
    origin = diagnostic.origin
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "title": diagnostic.title,
        "file": origin.file if origin else None,
        "line": origin.line if origin and origin.line else None,
        "subject": diagnostic.subject,
        "why": diagnostic.why,
        "fix": diagnostic.fix,
    }


def _block(d: Diagnostic) -> str:
    lines = [f"{d.severity}[{d.code}]: {d.title}"]
    if d.origin:
        # A tab between a key and its value is layout, nothing to show as an escape.
        source_line = printable(d.origin.text.replace("\t", " "))
        lines.append(f"  --> {printable(d.origin)}  {source_line}".rstrip())
    for label, text in (("for", d.subject), ("why", d.why), ("fix", d.fix)):
        if text:
            lines.append(f"  {label}: {printable(text, limit=1000)}")
    lines.append(f"  more: axisrules explain {d.code}")
    return "\n".join(lines)
