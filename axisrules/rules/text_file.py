"""Text that a user wrote, read with its dangers checked before any parser sees it."""

from pathlib import Path

from axisrules.diagnostics import AxisRulesError, Origin, catalog

MAX_BYTES = 4 * 1024 * 1024


def read_text(path: Path) -> str:
    """The UTF-8 text of a regular file of at most 4 MiB; AXR101 otherwise."""
    try:
        if not path.is_file():
            raise _unreadable(path, "it is no regular file" if path.exists() else "there is no such file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _unreadable(path, f"it has {size:,} bytes; a rule table has at most {MAX_BYTES:,}")
        # Some editors of Windows put a byte order mark in front.
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"byte {error.start} is not UTF-8 ({error.reason})") from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None


def _unreadable(path: Path, why: str) -> AxisRulesError:
    return AxisRulesError([catalog.UNREADABLE_FILE.at(Origin(str(path)), why=why)])
