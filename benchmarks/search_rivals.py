"""What people choose layouts by without a compiler: a rule of thumb, closed formulas, and the presets."""

from collections.abc import Iterator

from axisrules.mesh import parse_mesh
from axisrules.rules import load_rules
from axisrules.search import Candidate, Space, factorisations, signature_of
from benchmarks.closed_form import overlapped_seconds, serial_seconds
from benchmarks.search_pairs import Pair
from benchmarks.theory import Theory

PRESETS = ("dp", "zero1", "fsdp", "tp", "tp_sp", "fsdp_tp", "fsdp_tp_sp", "expert")
TENSOR_WAYS = 8


def thumb(space: Space) -> Candidate | None:
    """Data parallelism where the state fits twice over; else FSDP; else `tensor` over 8 beside it."""
    plain = [one for one in space.candidates if one.remat == "none" and one.accumulate == 1]
    room = space.target.chip.compile_limit_bytes / 2
    wanted = [
        [one for one in plain if len(one.sizes) == 1 and one.size("data") > 1],
        [one for one in plain if len(one.sizes) == 1 and one.size("fsdp") > 1 and one.sharded == "params"],
        [one for one in plain if one.size("tensor") == TENSOR_WAYS and one.sharded == "params"],
    ]
    for options in wanted:
        fitting = [one for one in options if space.bounds(one).state_bytes <= room]
        if fitting:
            return fitting[0]
    return None


def closed_forms(pair: Pair, space: Space) -> Iterator[tuple[str, Candidate]]:
    """The candidate that each closed formula puts first, of those it knows: no pipeline, no remat."""
    theory = Theory(pair.config, pair.batch, pair.seq)
    known = [
        one
        for one in space.candidates
        if one.remat == "none" and one.accumulate == 1 and not one.schedule and one.sharded == "params"
    ]

    def rules(one: Candidate) -> str:
        return "fsdp" if one.size("fsdp") > 1 else "dp"

    for name, formula in (("overlapped", overlapped_seconds), ("serial", serial_seconds)):
        yield (
            f"closed form, {name}",
            min(known, key=lambda one: formula(theory, rules(one), dict(one.sizes), space.target.chip)),
        )


def presets(space: Space) -> Iterator[tuple[str, Candidate]]:
    """Every preset on every mesh of its axes that has the plan of some candidate."""
    by_plan = {signature_of(space, space.table(one)): one for one in reversed(space.candidates)}
    devices = space.target.device_count
    for name in PRESETS:
        table = load_rules(name)
        axes = list(parse_mesh(table.mesh).shape)
        for sizes in factorisations(axes, devices):
            mesh = ",".join(f"{axis}={size}" for axis, size in sizes.items())
            found = by_plan.get(signature_of(space, table, mesh))
            if found:
                yield f"{name} {mesh}", found
