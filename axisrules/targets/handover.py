"""The folder through which a caller and a compiler's process talk: JSON and raw bytes, nothing executable."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axisrules.mesh import MeshSpec, Target, parse_mesh, parse_target
from axisrules.targets.job import CompileJob, DevicePlace, MemoryStats, Mode

PROGRAM = "program.bin"
JOB = "job.json"
RESULT = "result.json"
MODULE = "module.txt"
BUFFERS = "buffers.txt"
PARTITIONED = "partitioned.txt"
MESSAGES = "messages.txt"
DUMP = "dump"


@dataclass(frozen=True)
class WorkerResult:
    """What a compiler's process reports: `error` and its `stage` where it failed, facts where it did not.

    `shortage` is the error text of a compile for which the memory was too small. `assigned_bytes` is
    what the buffer assignment adds up to, where the compiler says.
    """

    stage: str = ""
    error: str = ""
    shortage: str = ""
    assigned_bytes: int = 0
    memory: MemoryStats | None = None
    places: tuple[DevicePlace, ...] = ()
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


def job_facts(job: CompileJob, mode: Mode) -> dict[str, Any]:
    """All of a job but its program, as JSON has it."""
    platform, chip, topology = job.target.platform, job.target.chip_name, job.target.topology_text
    return {
        "target": f"{platform}:{chip}:{topology}",
        "slices": job.target.slices,
        "mesh": str(job.mesh),
        "axis_type": job.mesh.axis_type,
        "donated": list(job.donated),
        "options": dict(sorted(job.options.items())),
        "mode": mode,
    }


def write_job(folder: Path, job: CompileJob, mode: Mode) -> None:
    """Leave `job` in `folder` for a compiler's process."""
    (folder / DUMP).mkdir()
    (folder / PROGRAM).write_bytes(job.exported)
    (folder / JOB).write_text(json.dumps(job_facts(job, mode)), encoding="utf-8")


def read_job(folder: Path) -> tuple[CompileJob, Mode]:
    """The job left in `folder`."""
    facts = json.loads((folder / JOB).read_text(encoding="utf-8"))
    target: Target = parse_target(facts["target"], slices=facts["slices"])
    mesh: MeshSpec = parse_mesh(facts["mesh"], axis_type=facts["axis_type"])
    program = (folder / PROGRAM).read_bytes()
    return CompileJob(program, target, mesh, tuple(facts["donated"]), facts["options"]), facts["mode"]


def write_result(folder: Path, result: WorkerResult) -> None:
    """Leave `result` in `folder`, whole or not at all."""
    facts = {
        **{name: getattr(result, name) for name in WorkerResult.__dataclass_fields__},
        "memory": result.memory and {name: getattr(result.memory, name) for name in MemoryStats.__slots__},
        "places": places_to_json(result.places),
    }
    unfinished = folder / f"{RESULT}.part"
    unfinished.write_text(json.dumps(facts), encoding="utf-8")
    unfinished.replace(folder / RESULT)


def read_result(folder: Path) -> WorkerResult | None:
    """The result left in `folder`; None where the process ended without one that can be read."""
    try:
        facts = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        memory = facts["memory"] and MemoryStats(**facts["memory"])
        return WorkerResult(**{**facts, "memory": memory, "places": places_from_json(facts["places"])})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def places_to_json(places: tuple[DevicePlace, ...]) -> list[list[int]]:
    """Island, core and coordinates of each place, in one short list."""
    return [[place.island, place.core, *place.coords] for place in places]


def places_from_json(rows: list[list[int]]) -> tuple[DevicePlace, ...]:
    """The places that `places_to_json` wrote."""
    return tuple(DevicePlace(tuple(coords), core, island) for island, core, *coords in rows)
