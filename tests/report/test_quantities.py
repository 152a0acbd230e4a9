import pytest

from axisrules.report.quantities import counted, readable_bytes


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1024**2 - 1, "1.00 MiB"), (10**15, "909 TiB")],
)
def test_bytes_have_three_digits(count, shown):
    assert readable_bytes(count) == shown


def test_nouns_agree_with_numbers():
    assert [counted(n, "leaf", "leaves") for n in (0, 1, 1000)] == ["0 leaves", "1 leaf", "1,000 leaves"]
