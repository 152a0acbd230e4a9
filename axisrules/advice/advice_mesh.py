"""Advice on how many devices each mesh axis has: data parallelism first, and tensor parallelism that pays."""

from collections.abc import Iterable, Iterator

from axisrules.advice.counterfactual import (
    Case,
    Change,
    arranged,
    change,
    cut_as_before,
    given_away,
    uncut,
    widest_axis,
)
from axisrules.advice.verdict import Proposal
from axisrules.axes import MeshAxis
from axisrules.mesh import MeshSpec
from axisrules.rules import Kind, Rule, RuleTable, Scope

# From here on it is asked whether fewer ways would do; no advice goes by it alone.
# Source: Narayanan et al. 2021, "Efficient Large-Scale Language Model Training on GPU Clusters Using
# Megatron-LM", takeaway 1: at most as many ways as a server has GPUs, which are 8.
WIDE_WAYS = 8


def ask_data_parallel(case: Case) -> Proposal | None:
    """AXR920: the model is cut, and it may fit and run faster if each device had all of it.

    Tried are the table's own form without tensor parallelism, that with its state cut over the batch's axis
    (FSDP), and forms of either with the parameters whole on every device.
    """
    roles = case.roles
    if not roles.model and not roles.state:
        return None
    axes = " and ".join(f"`{axis}`" for axis in (*roles.model, *roles.state))
    why = f"parameters or their state are cut over {axes}"
    return _proposal(why, (*_without_model_axes(case), *_whole_parameters(case)))


def ask_state(case: Case) -> Proposal | None:
    """AXR927: the table does not fit, and every device holds all of the state."""
    roles = case.roles
    if case.evidence.fits is not False or roles.state:
        return None
    return _proposal("every data shard holds the whole state", _cut_state(case))


def ask_tensor_links(case: Case) -> Proposal | None:
    """AXR921: tensor parallelism goes beyond one node, one slice or one dim of the torus."""
    axis = widest_model_axis(case)
    if axis is None:
        return None
    ways, (room, place) = case.mesh.shape[axis], _room(case)
    kept = max(size for size in range(1, min(ways, room) + 1) if ways % size == 0)
    if ways > room:
        why = f"`{axis}` goes over {ways} devices, and one {place} has {room}"
        return _proposal(why, _narrower(case, axis, kept, f"within one {place}"))
    if case.is_across(axis):
        return _proposal(f"`{axis}` goes across {case.islands}, and would fit into one", _turned(case, axis))
    return None


def ask_tensor_ways(case: Case) -> Proposal | None:
    """AXR923: tensor parallelism of more ways than usually pay."""
    axis = widest_model_axis(case)
    ways = case.mesh.shape[axis] if axis else 1
    if axis is None or ways <= WIDE_WAYS or ways % WIDE_WAYS:
        return None
    kept = [WIDE_WAYS, *([2 * WIDE_WAYS] if ways > 2 * WIDE_WAYS and ways % (2 * WIDE_WAYS) == 0 else [])]
    changes = (one for size in kept for one in _narrower(case, axis, size, f"{size} ways"))
    return _proposal(f"`{axis}` cuts every layer {ways} ways, and more than {WIDE_WAYS} seldom pay", changes)


def ask_idle_axis(case: Case) -> Proposal | None:
    """AXR717 with evidence: mesh axes that cut nothing, their devices given to the batch."""
    idle = case.roles.idle
    if not idle:
        return None
    changes = (
        change(case, f"the idle devices given to `{to}`", mesh=given_away(case, dict.fromkeys(idle, 1), to))
        for to in case.roles.rows
        if to not in idle
    )
    why = f"no array of the program is cut over {', '.join(f'`{axis}`' for axis in idle)}"
    return _proposal(why, changes)


def widest_model_axis(case: Case) -> MeshAxis | None:
    """The mesh axis of tensor parallelism, the largest where there are several."""
    return max(case.roles.model, key=lambda axis: case.mesh.shape[axis], default=None)


def _without_model_axes(case: Case) -> Iterator[Change]:
    """Tensor parallelism's devices given to each axis of the batch; the state whole, or cut over it too."""
    keep = dict.fromkeys(case.roles.model, 1)
    for to in case.roles.rows if keep else ():
        mesh = given_away(case, keep, to)
        yield change(case, f"`{to}` in the place of tensor parallelism", mesh=mesh)
        name = widest_axis(case, mesh.shape[to])
        if name is not None and not case.roles.state:
            words = f"FSDP over `{to}` in the place of tensor parallelism"
            on_top = RuleTable(layers=((Rule(name, (to,), Scope("params")),),))
            yield change(case, words, mesh=mesh, on_top=on_top)


def _whole_parameters(case: Case) -> Iterator[Change]:
    """No parameter cut over the batch's axes, and of the optimizer's state none or as much as before."""
    roles = case.roles
    if not roles.state:
        return
    whole = uncut(case, ["params", "gradients", "optimizer"], roles.state)
    before = cut_as_before(case, "optimizer", roles.state)
    zero = (*uncut(case, ["params", "gradients"], roles.state), *before)
    to = roles.state[0]
    meshes: list[tuple[str, MeshSpec]] = [("", case.mesh)]
    if roles.model:
        mesh = given_away(case, dict.fromkeys(roles.model, 1), to)
        meshes.append((f", `{to}` in the place of tensor parallelism", mesh))
    for words, mesh in meshes:
        yield change(case, f"whole parameters{words}", mesh=mesh, on_top=RuleTable(layers=(whole,)))
    if {rule.key for rule in zero} != {rule.key for rule in whole}:
        words = "whole parameters, the optimizer's state cut as before"
        yield change(case, words, on_top=RuleTable(layers=(zero,)))


def _room(case: Case) -> tuple[int, str]:
    """How many devices the fastest links join directly, and what that place is called."""
    target = case.target
    if target.platform == "gpu":
        return target.topology[1], "node"
    return max(target.topology) * target.chip.devices, "dim of the torus"


def _narrower(case: Case, axis: MeshAxis, kept: int, words: str) -> Iterator[Change]:
    """`axis` on `kept` devices, the others given to each axis of the batch."""
    for to in case.roles.rows:
        mesh = given_away(case, {axis: kept}, to)
        yield change(case, f"`{axis}` {words}, the rest given to `{to}`", mesh=mesh)


def _turned(case: Case, axis: MeshAxis) -> Iterator[Change]:
    """The same sizes, with an axis of the batch across the slices or nodes in the place of `axis`."""
    for to in case.roles.rows:
        mesh = arranged(case, case.mesh.shape, to)
        if mesh.slices and mesh != case.mesh:
            yield change(case, f"`{to}` across {case.islands} in the place of `{axis}`", mesh=mesh)


def _cut_state(case: Case) -> Iterator[Change]:
    """Everything of the state cut over an axis of the batch, or the optimizer's alone."""
    for to in case.roles.rows:
        ways = case.mesh.shape.get(to, 1)
        name = widest_axis(case, ways)
        if ways > 1 and name is not None:
            kinds: tuple[tuple[Kind, str], ...] = (("params", "FSDP"), ("optimizer", "ZeRO-1"))
            for kind, words in kinds:
                on_top = RuleTable(layers=((Rule(name, (to,), Scope(kind)),),))
                yield change(case, f"{words} over `{to}`", on_top=on_top)


def _proposal(because: str, changes: Iterable[Change]) -> Proposal | None:
    """The proposal, if there is anything to try."""
    made = tuple(changes)
    return Proposal(because, made) if made else None
