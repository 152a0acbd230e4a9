"""Numbers as people read them."""

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def readable_bytes(count: int) -> str:
    """`count` bytes in the largest unit that leaves a number of at least 1, three digits long.

    >>> readable_bytes(1536), readable_bytes(100), readable_bytes(0)
    ('1.50 KiB', '100 B', '0 B')
    """
    size, unit = float(count), 0
    while abs(size) >= 1023.5 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    if unit == 0:
        return f"{count} B"
    return f"{three_digits(size)} {UNITS[unit]}"


def three_digits(number: float) -> str:
    """`number` with three significant digits, and never fewer than its whole part needs."""
    places = 2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0
    return f"{number:,.{places}f}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 leaf`, `2 leaves`: a number with its noun in the right form.

    >>> counted(1, "device"), counted(8, "device"), counted(2, "leaf", "leaves")
    ('1 device', '8 devices', '2 leaves')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
