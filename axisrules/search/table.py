"""From a candidate to the rule table that says it, and to the plan that judges it."""

from collections.abc import Iterator

from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.rules import RuleTable, parse_rules
from axisrules.search.candidate import Candidate
from axisrules.search.roles import Roles

# The mesh axes that a search knows, major to minor: what is outermost talks least.
MESH_AXES = tuple(map(MeshAxis, ("stage", "data", "fsdp", "expert", "context", "tensor")))
STAGE, DATA, FSDP, EXPERT, CONTEXT, TENSOR = MESH_AXES
ROW_AXES = (DATA, FSDP, EXPERT)


def table_of(candidate: Candidate, roles: Roles, name: str = "found") -> RuleTable:
    """The rule table of a candidate: short, complete for its program, and with its mesh.

    Axes of a group that `tensor` does not divide are left whole, and the table says so.
    """
    has = [axis for axis in MESH_AXES if candidate.size(axis) > 1]
    rules: dict[str, object] = {}
    # Where tokens have travelled to their experts, `expert` cuts these and no longer the rows.
    if roles.experts:
        rules[roles.experts] = _listed([axis for axis in (EXPERT,) if axis in has])
    rules[roles.rows] = _of_rows([axis for axis in ROW_AXES if axis in has])
    if roles.layers:
        rules[roles.layers] = _listed([axis for axis in (STAGE,) if axis in has])
    rules |= {axis: TENSOR if _is_cut(axis, candidate, roles) else [] for axis in roles.inner}
    if roles.positions:
        rules[roles.positions] = _of_positions(candidate)
    if roles.cover:
        rules[roles.cover] = []
    rules |= {axis: [] for axis in roles.others}
    kinds = dict(_by_kind(candidate, roles))
    source = {
        "name": name,
        "mesh": _mesh_text(candidate),
        "rules": rules,
        **({"kind": kinds} if kinds else {}),
        **dict(_training(candidate)),
    }
    return parse_rules(source)


def _listed(mesh_axes: list[str]) -> object:
    return mesh_axes[0] if len(mesh_axes) == 1 else mesh_axes


def _of_rows(mesh_axes: list[str]) -> object:
    others = [axis for axis in mesh_axes if axis != EXPERT]
    if others == mesh_axes:
        return _listed(mesh_axes)
    return {"any": [_listed(mesh_axes), _listed(others)]}


def _is_cut(axis: LogicalAxis, candidate: Candidate, roles: Roles) -> bool:
    return axis in candidate.cut and roles.sizes[axis] % candidate.size(TENSOR) == 0


def _of_positions(candidate: Candidate) -> object:
    if candidate.size(CONTEXT) > 1:
        return CONTEXT
    return {"any": [TENSOR, []]} if candidate.cuts_positions else []


def _by_kind(candidate: Candidate, roles: Roles) -> Iterator[tuple[str, dict[str, object]]]:
    """Token ids stay whole under sequence parallelism; weights and what belongs to them go over `fsdp`."""
    if roles.positions and candidate.cuts_positions and candidate.size(CONTEXT) == 1:
        yield "batch", {roles.positions: []}
    if roles.cover and candidate.size(FSDP) > 1:
        yield candidate.sharded, {roles.cover: FSDP}


def _mesh_text(candidate: Candidate) -> str:
    across = f",slices:{candidate.crossing}=" if candidate.crossing else ""
    return candidate.mesh + (f"{across}{candidate.slices}" if across else "")


def _training(candidate: Candidate) -> Iterator[tuple[str, object]]:
    if candidate.remat != "none":
        yield "remat", candidate.remat
    if candidate.accumulate > 1:
        yield "accumulate", candidate.accumulate
    if candidate.schedule:
        yield "schedule", candidate.schedule
        yield "microbatches", candidate.microbatches
