"""Names and paths come from models and files: show them without obeying them."""

import reprlib

MAX_SHOWN = 200


def printable(text: object, limit: int = MAX_SHOWN) -> str:
    r"""`text` on one line: what a terminal would obey, or a reader would not see, as an escape.

    Letters of any script stay as they are. Cut at `limit` characters.

    >>> printable("décoder/\x1b[31mkernel")
    'décoder/\\x1b[31mkernel'
    """
    raw = str(text)
    shown = "".join(char if char.isprintable() else _escape(char) for char in raw[:limit])
    return shown + "..." if len(raw) > limit else shown


def shown_value(value: object) -> str:
    """A short `repr` of any value whatever: long ones are cut, and a failing one gives its type.

    >>> shown_value([1, 2, 3])
    '[1, 2, 3]'
    """
    try:
        return reprlib.repr(value)
    except (ValueError, RecursionError):  # Python refuses to print whole numbers of many thousand digits.
        return f"a {type(value).__name__} too long to print"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
