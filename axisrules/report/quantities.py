"""Numbers as people read them."""

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
FLOP_UNITS = ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP")


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


def readable_seconds(seconds: float) -> str:
    """`seconds` in the largest of s, ms and us that leaves a number of at least 1.

    >>> readable_seconds(1.5), readable_seconds(0.0123), readable_seconds(4e-6)
    ('1.50 s', '12.3 ms', '4.00 us')
    """
    for unit, per_second in (("s", 1), ("ms", 1e3)):
        if abs(seconds) * per_second >= 0.9995:
            return f"{three_digits(seconds * per_second)} {unit}"
    return f"{three_digits(seconds * 1e6)} us"


def readable_flops(count: float) -> str:
    """Floating-point operations in the largest unit of a thousand that leaves at least 1.

    >>> readable_flops(219.043e9), readable_flops(12)
    ('219 GFLOP', '12.0 FLOP')
    """
    size, unit = float(count), 0
    while abs(size) >= 999.5 and unit < len(FLOP_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{three_digits(size)} {FLOP_UNITS[unit]}"


def percent(share: float) -> str:
    """A share as a percentage, with one place below 10%.

    >>> percent(0.034), percent(0.345), percent(0.0)
    ('3.4%', '34%', '0%')
    """
    return f"{share:.0%}" if share == 0 or share >= 0.0995 else f"{share:.1%}"
