"""Did you mean: the names that a misspelt one comes close to."""

from collections.abc import Iterable

from axisrules.diagnostics.escape import printable

MAX_LISTED = 12


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """An edit that names the closest of `known`, or lists what there is, with `otherwise` as the way out.

    >>> did_you_mean("tenser", ["data", "tensor"], "list it in optional_mesh_axes")
    'did you mean `tensor`? If not, list it in optional_mesh_axes'
    >>> did_you_mean("x", ["data", "tensor"])
    'known names: `data`, `tensor`'
    """
    import difflib  # noqa: PLC0415  (only a mistake needs it, and most tables have none)

    names = sorted(set(known))
    close = difflib.get_close_matches(name[:128], names, n=1, cutoff=0.6)
    if close:
        advice, joined = f"did you mean `{printable(close[0])}`?", " If not, "
    else:
        listed = ", ".join(f"`{printable(n)}`" for n in names[:MAX_LISTED])
        more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
        advice, joined = f"known names: {listed}{more}" if names else "", "; or "
    return joined.join(part for part in (advice, otherwise) if part)
