"""Text that a user wrote, read with its dangers checked before any parser sees it."""

from pathlib import Path

from axisrules.diagnostics import AxisRulesError, Origin, catalog

MAX_BYTES = 4 * 1024 * 1024
MAX_NESTING = 64


def read_text(path: Path) -> str:
    """The UTF-8 text of a regular file of at most 4 MiB; AXR101 otherwise."""
    origin = Origin(str(path))
    try:
        if not path.is_file():
            why = "it is a directory" if path.is_dir() else "there is no such file"
            raise AxisRulesError([catalog.UNREADABLE_FILE.at(origin, why=why)])
        size = path.stat().st_size
        if size > MAX_BYTES:
            why = f"it has {size:,} bytes; a rule table has at most {MAX_BYTES:,}"
            raise AxisRulesError([catalog.UNREADABLE_FILE.at(origin, why=why)])
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        why = f"byte {error.start} is not UTF-8 ({error.reason})"
        raise AxisRulesError([catalog.UNREADABLE_FILE.at(origin, why=why)]) from None
    except (OSError, ValueError) as error:
        if isinstance(error, AxisRulesError):
            raise
        raise AxisRulesError([catalog.UNREADABLE_FILE.at(origin, why=str(error))]) from None


def check_nesting(text: str, file: str) -> None:
    """Refuse brackets nested deeper than 64, before a recursive parser meets them; AXR102."""
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        for char in line:
            if char in "[{":
                depth += 1
            elif char in "]}":
                depth = max(0, depth - 1)
            if depth > MAX_NESTING:
                why = f"brackets nest deeper than {MAX_NESTING}"
                raise AxisRulesError([catalog.BAD_SYNTAX.at(Origin(file, number), why=why)])
