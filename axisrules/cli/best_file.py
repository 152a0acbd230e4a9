"""The best table so far in a file: written whole whenever it improves, so that it is never lost."""

from dataclasses import replace
from pathlib import Path

from axisrules.cli.output import check_output, write_output
from axisrules.rules import dump_rules
from axisrules.search import Journal, Scored, Space, described


class BestFile:
    """The file of `-o`; without one nothing is written."""

    def __init__(self, path: Path | None, space: Space, journal: Journal | None, *, force: bool) -> None:
        """Raises AxisRulesError (AXR601) where something is in the way that this search did not write."""
        self.path = path
        self._space = space
        self._kept: Scored | None = None
        # What lies there may be this search's own, from before it was interrupted.
        self._force = force or bool(path and journal and self._is_own(path, journal))
        if path:
            check_output(path, force=self._force)

    def keep(self, best: Scored) -> None:
        """Write the table of `best`, unless it is there already."""
        if self.path is None or best == self._kept:
            return
        write_output(self.path, self._text(best), force=self._force)
        self._force = True  # from now on it is this search's own
        self._kept = best

    def _text(self, one: Scored) -> str:
        return dump_rules(replace(self._space.table(one.candidate), doc=described(one, self._space)))

    def _is_own(self, path: Path, journal: Journal) -> bool:
        """Whether the file has, to the letter, what this search wrote of a candidate in its journal."""
        if path.is_symlink() or not path.is_file():
            return False
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return False
        known, _ = journal.read()
        space = set(self._space.candidates)
        return any(text == self._text(one) for one in known if one.candidate in space)
