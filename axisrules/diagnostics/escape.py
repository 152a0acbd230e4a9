"""Names and paths come from models and files: show them without obeying them."""

MAX_SHOWN = 200


def printable(text: object, limit: int = MAX_SHOWN) -> str:
    """`text` with control and direction-changing characters escaped, cut at `limit`."""
    raw = str(text)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in raw[:limit])
    return shown + "..." if len(raw) > limit else shown
