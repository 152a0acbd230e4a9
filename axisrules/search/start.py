"""The candidate that a table of the user's own is, or else the one that is most like it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from axisrules.diagnostics import AxisRulesError, Diagnostic, Origin, catalog
from axisrules.mesh import MeshSpec, parse_mesh
from axisrules.resolve import Leaf, Plan, Spec, survey
from axisrules.rules import RuleTable
from axisrules.search.candidate import Candidate
from axisrules.search.space import Space, layout_of


@dataclass(frozen=True)
class Start:
    """A table of the user's, its plan on the space's target, and the candidate to begin with.

    `is_equal` says that the candidate is the table: every array has the same spec, up to the names of mesh
    axes, and a step is run in the same way. Otherwise it lays out the fewest arrays differently.
    """

    table: RuleTable
    plan: Plan
    candidate: Candidate
    is_equal: bool


def find_start(space: Space, table: RuleTable) -> Start:
    """Where in `space` the table is.

    Raises AxisRulesError (AXR907) for a table without a mesh, whose mesh is not one of the space's target, or
    that cannot lay the program out.
    """
    plan = _planned(space, table)
    by_layout: dict[Candidate, list[Candidate]] = {}
    for candidate in space.candidates:
        by_layout.setdefault(layout_of(candidate), []).append(candidate)
    kept = tuple({_key(leaf): leaf for leaf in space.program.leaves if leaf.kind != "gradients"}.values())
    apart = {layout: _arrays_apart(plan, _plan_of(layout, space, kept)) for layout in by_layout}
    nearest = min(apart, key=lambda layout: apart[layout])
    settings = {one: _settings_apart(table, space.table(one)) for one in by_layout[nearest]}
    candidate = min(settings, key=lambda one: settings[one])
    return Start(table, plan, candidate, apart[nearest] == (False, 0) and not settings[candidate])


def _planned(space: Space, table: RuleTable) -> Plan:
    if not table.mesh:
        fix = 'say it in the table, mesh = "fsdp=4,tensor=2", or start from a preset that has one'
        raise _no_start(table, "it names no mesh of its own", fix)
    try:
        mesh = space.target.fit(parse_mesh(table.mesh))
    except AxisRulesError as error:
        raise _no_start(table, _first(error.diagnostics)) from None
    plan = survey(space.program.leaves, table, mesh)
    errors = [found for found in plan.diagnostics if found.severity == "error"]
    if errors:
        raise _no_start(table, _first(errors), "let `axisrules check` find no error in it")
    return plan


def _first(errors: Iterable[Diagnostic]) -> str:
    found = list(errors)
    others = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0].code}, {found[0].title}: {found[0].why}{others}"


def _no_start(table: RuleTable, why: str, fix: str = "") -> AxisRulesError:
    return AxisRulesError([catalog.NOT_A_START.at(Origin("--start"), subject=table.name, why=why, fix=fix)])


def _plan_of(layout: Candidate, space: Space, leaves: Iterable[Leaf]) -> Plan:
    table = space.table(layout)
    return survey(leaves, table, space.target.fit(parse_mesh(table.mesh)))


def _key(leaf: Leaf) -> tuple[object, ...]:
    """What a search lays out alike; gradients lie as their parameters do."""
    kind = "params" if leaf.kind == "gradients" else leaf.kind
    return kind, leaf.logical_axes, leaf.shape, leaf.dtype


def _arrays_apart(mine: Plan, other: Plan) -> tuple[bool, int]:
    """Whether the meshes differ, and how many arrays do: by mesh axis on one mesh, else by ways alone."""
    is_other = _sizes(mine.mesh) != _sizes(other.mesh)
    described = _ways if is_other else _places
    known = {_key(one.leaf): described(one.spec, other.mesh) for one in other.leaves}
    count = sum(described(one.spec, mine.mesh) != known[_key(one.leaf)] for one in mine.leaves)
    return is_other, count


def _sizes(mesh: MeshSpec) -> tuple[tuple[int, int], ...]:
    across = dict(mesh.slices)
    return tuple((size, across.get(name, 1)) for name, size in mesh.sizes if size > 1)


def _places(spec: Spec, mesh: MeshSpec) -> tuple[tuple[int, ...], ...]:
    """Mesh axes by their place among those of more than one device, since names do not matter."""
    places = {name: at for at, name in enumerate(name for name, size in mesh.sizes if size > 1)}
    return tuple(tuple(places[axis] for axis in dim if axis in places) for dim in spec)


def _ways(spec: Spec, mesh: MeshSpec) -> tuple[tuple[int, ...], ...]:
    return tuple((prod(mesh.shape[axis] for axis in dim),) for dim in spec)


def _settings_apart(mine: RuleTable, other: RuleTable) -> int:
    """In how many of remat, accumulation and pipeline two tables differ."""
    pairs = (
        (mine.remat or (), other.remat or ()),
        (_parts(mine), _parts(other)),
        (tuple(mine.pipeline.entries), tuple(other.pipeline.entries)),
    )
    return sum(one != another for one, another in pairs)


def _parts(table: RuleTable) -> int:
    return table.accumulate.microbatches if table.accumulate else 1
