"""Did you mean: the names that a misspelt one comes close to."""

import difflib
from collections.abc import Iterable

from axisrules.diagnostics.escape import printable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """An edit that names the closest of `known`, or lists what there is."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{printable(close[0])}`?"
    if not names:
        return ""
    listed = ", ".join(f"`{printable(n)}`" for n in names[:12])
    return f"known names: {listed}" + (", ..." if len(names) > 12 else "")
