"""Files that commands write: refused where something is in the way, never half-written."""

import os
import secrets
from pathlib import Path

from axisrules.diagnostics import AxisRulesError, Diagnostic, Origin, catalog


def check_output(path: Path, *, force: bool) -> None:
    """Raise AxisRulesError (AXR601) when `write_output` would refuse; asked before any long work."""
    problem = _problem(path, force)
    if problem:
        raise AxisRulesError([problem])


def write_output(path: Path, text: str, *, force: bool) -> None:
    """Write `text` to `path` as UTF-8, all of it or nothing.

    Raises AxisRulesError (AXR601) when `path` exists, is a symlink or leaves the working folder by
    `..` and `force` is not given, when it is a directory, or when its folder cannot be written. A
    symlink is replaced, not followed.
    """
    check_output(path, force=force)
    # In the same folder, because a rename is atomic only within one file system.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        try:
            with temporary.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise AxisRulesError([_refused(path, error.strerror or str(error))]) from None


def _problem(path: Path, force: bool) -> Diagnostic | None:
    if path.is_dir() and not path.is_symlink():
        return _refused(path, "it is a directory")
    if not path.parent.is_dir():
        return _refused(path, f"there is no folder {path.parent}")
    if force:
        return None
    if path.is_symlink() or path.exists():
        what = "it is a symlink" if path.is_symlink() else "it exists already"
        return _refused(path, what, "name another file, or replace it with --force")
    if _climbs_out(path):
        why = f"its `..` leaves the working folder, {Path.cwd()}"
        return _refused(path, why, "give the path from the root, or write there with --force")
    return None


def _climbs_out(path: Path) -> bool:
    """Whether `..` takes the path out of the working folder, links to other folders followed.

    A path from the root without `..` says plainly where it goes, and may go there.
    """
    return ".." in path.parts and not path.parent.resolve().is_relative_to(Path.cwd().resolve())


def _refused(path: Path, why: str, fix: str = "") -> Diagnostic:
    return catalog.REFUSED_OUTPUT.at(Origin(str(path)), why=why, fix=fix)
