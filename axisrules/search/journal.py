"""What a search has compiled so far, a line each, so that an interrupted one goes on where it was."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from axisrules.adapters import loss_digest
from axisrules.analysis import CostTerm
from axisrules.diagnostics import Diagnostic, Origin, catalog
from axisrules.search.candidate import Candidate
from axisrules.search.score import Scored, without_evidence
from axisrules.search.space import Space
from axisrules.targets import installed_versions

# Raise it when a line's form, or the way its numbers come about, changes.
FORMAT = 2


@dataclass
class Journal:
    """A file of JSON lines: the search that it belongs to, then one scored candidate per line.

    A line is written whole and at once; a last line that was cut off is left out when the file is read.
    """

    path: Path
    key: str

    def read(self) -> tuple[list[Scored], Diagnostic | None]:
        """What is in it, and a warning (AXR906) when the file is that of another search."""
        try:
            first, *lines = self.path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return [], None
        except (OSError, ValueError) as error:
            return [], self._foreign(str(error))
        if _json(first) != {"axisrules search": FORMAT, "key": self.key}:
            return [], self._foreign("another program, target, version or set of constraints wrote it")
        return list(_scored(lines)), None

    def start(self) -> None:
        """An empty journal of this search, in the place of whatever is there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        head = json.dumps({"axisrules search": FORMAT, "key": self.key})
        self.path.write_text(head + "\n", encoding="utf-8")

    def add(self, one: Scored) -> None:
        """One more line, on disk when this returns."""
        line = json.dumps(_values(one)) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _foreign(self, why: str) -> Diagnostic:
        fix = "it is written anew; give another file with --journal to keep both"
        return catalog.FOREIGN_JOURNAL.at(Origin(str(self.path)), why=why, fix=fix)


def journal_key(space: Space, mode: str) -> str:
    """A name for what decides a candidate's numbers: arrays, loss, target, compilers, and the version."""
    program, versions = space.program, sorted(installed_versions().items())
    facts = (program.leaves, loss_digest(program), str(space.target), versions, mode, FORMAT)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]


def _values(one: Scored) -> dict[str, Any]:
    values = asdict(without_evidence(one))
    del values["evidence"]
    return values


def _scored(lines: list[str]) -> Iterator[Scored]:
    for line in lines:
        values = _json(line)
        if not isinstance(values, dict):
            continue
        with contextlib.suppress(TypeError, KeyError, ValueError):
            candidate = values.pop("candidate")
            candidate["sizes"] = tuple((str(name), int(size)) for name, size in candidate["sizes"])
            candidate["cut"] = tuple(candidate["cut"])
            terms = tuple(
                CostTerm(**{**term, "mesh_axes": tuple(term["mesh_axes"])}) for term in values.pop("terms")
            )
            yield Scored(Candidate(**candidate), terms=terms, **values)


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
