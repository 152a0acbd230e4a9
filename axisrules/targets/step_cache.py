"""Compiled steps on disk, under the hash of all that decides them: shared by processes, checked when read."""

import contextlib
import hashlib
import json
import os
import tempfile
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axisrules.diagnostics import Diagnostic, catalog
from axisrules.targets.handover import job_facts, places_from_json, places_to_json
from axisrules.targets.job import CompiledStep, CompileJob, MemoryStats, Mode, Shortfall

# Part of every key: raise it when the entries or the way they come about change.
FORMAT = 1
MAGIC = b"axisrules compiled step\n"
LIMIT_BYTES = 2**30
STALE_SECONDS = 3600.0
_DIGEST = hashlib.sha256().digest_size


def default_cache() -> Path:
    """$AXISRULES_CACHE, else the user's own cache folder: $XDG_CACHE_HOME/axisrules, ~/.cache/axisrules."""
    chosen = os.environ.get("AXISRULES_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    if chosen:
        return Path(chosen)
    return (Path(base) if base else Path("~/.cache").expanduser()) / "axisrules"


def cache_key(job: CompileJob, mode: Mode, versions: Mapping[str, str]) -> str:
    """The name of a compiled step: equal in every process for equal programs, targets and compilers."""
    facts = {**job_facts(job, mode), "versions": dict(sorted(versions.items())), "format": FORMAT}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(b"\0")
    digest.update(job.exported)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class StepCache:
    """A folder of compiled steps. Entries are written whole or not at all, and checked when they are read."""

    folder: Path
    limit_bytes: int = LIMIT_BYTES

    def load(self, key: str, job: CompileJob, mode: Mode) -> CompiledStep | None:
        """The step stored under `key`; None for none, and for what is truncated, foreign or spoiled."""
        path = self._path(key)
        try:
            step = _decode(path.read_bytes(), key, job, mode)
        except (OSError, ValueError, KeyError, TypeError, zlib.error):
            return None
        with contextlib.suppress(OSError):  # a cache that can only be read is as good
            os.utime(path)  # what was used last goes last
        return step

    def store(self, key: str, step: CompiledStep) -> Diagnostic | None:
        """Keep `step`; AXR809's warning where the folder takes nothing."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".unfinished-", dir=self.folder)
            with contextlib.suppress(FileNotFoundError), _removed_on_error(Path(name)):
                with os.fdopen(handle, "wb") as file:
                    file.write(_encode(key, step))
                Path(name).replace(self._path(key))
            self._shrink()
        except OSError as error:
            why = f"{error.strerror or error}; everything is compiled anew"
            fix = "let AXISRULES_CACHE name a folder that can be written"
            return catalog.CACHE_UNUSABLE.at(subject=str(self.folder), why=why, fix=fix)
        return None

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.step"

    def _shrink(self) -> None:
        """Remove what was used longest ago, until the rest keeps the limit, and what a dead process left."""
        for left in self.folder.glob(".unfinished-*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > STALE_SECONDS:
                    left.unlink()
        entries = []
        for path in self.folder.glob("*.step"):
            with contextlib.suppress(OSError):  # another process may be removing too
                facts = path.stat()
                entries.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.limit_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size


@contextlib.contextmanager
def _removed_on_error(path: Path) -> Any:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _encode(key: str, step: CompiledStep) -> bytes:
    facts = {
        "key": key,
        "module_text": step.module_text,
        "buffers_text": step.buffers_text,
        "partitioned_text": step.partitioned_text,
        "memory": step.memory and {name: getattr(step.memory, name) for name in MemoryStats.__slots__},
        "places": places_to_json(step.places),
        "shortfall": step.shortfall and [step.shortfall.needed_bytes, step.shortfall.available_bytes],
        "messages": step.messages,
        "versions": list(step.versions),
        "wall_seconds": step.wall_seconds,
        "cpu_seconds": step.cpu_seconds,
        "peak_bytes": step.peak_bytes,
    }
    packed = zlib.compress(json.dumps(facts).encode(), level=6)
    return MAGIC + hashlib.sha256(packed).digest() + packed


def _decode(entry: bytes, key: str, job: CompileJob, mode: Mode) -> CompiledStep:
    """The step of an entry; ValueError where it is not one, or not this key's."""
    start = len(MAGIC) + _DIGEST
    packed = entry[start:]
    if not entry.startswith(MAGIC) or hashlib.sha256(packed).digest() != entry[len(MAGIC) : start]:
        raise ValueError("not an entry, or spoiled")
    facts = json.loads(zlib.decompress(packed))
    if facts["key"] != key:
        raise ValueError("another key's entry")
    return CompiledStep(
        target=job.target,
        mesh=job.mesh,
        mode=mode,
        module_text=facts["module_text"],
        buffers_text=facts["buffers_text"],
        partitioned_text=facts["partitioned_text"],
        memory=MemoryStats(**facts["memory"]) if facts["memory"] else None,
        places=places_from_json(facts["places"]),
        shortfall=Shortfall(*facts["shortfall"]) if facts["shortfall"] else None,
        messages=facts["messages"],
        versions=tuple((name, version) for name, version in facts["versions"]),
        wall_seconds=facts["wall_seconds"],
        cpu_seconds=facts["cpu_seconds"],
        peak_bytes=facts["peak_bytes"],
        is_cached=True,
    )
