"""Every layout that could be tried: meshes x rules x schedules x remat x accumulation, each one once."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import combinations, product
from math import prod

from axisrules.adapters import Program
from axisrules.axes import LogicalAxis, MeshAxis
from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.mesh import Target, parse_mesh
from axisrules.resolve import Leaf, Plan, survey
from axisrules.rules import NAMED_REMATS, RuleTable
from axisrules.search.bounds import Bounds, bound
from axisrules.search.candidate import Candidate, Sharded
from axisrules.search.constraints import Constraints, check_constraints
from axisrules.search.meshes import Sizes, crossings, fits_rows, meshes
from axisrules.search.roles import Roles, read_roles
from axisrules.search.table import FSDP, ROW_AXES, STAGE, TENSOR, table_of

ACCUMULATIONS = (1, 2, 4, 8)
MICROBATCHES_PER_STAGE = (1, 2, 4)
SCHEDULE = "1f1b"

OnCandidate = Callable[[Candidate, Bounds], None]

ROWS = "rows of the batch that the devices do not divide"
SAME = "the same plan as another"
IDLE = "a mesh axis that would cut nothing"
UNWANTED = "ruled out by the constraints"


@dataclass(frozen=True)
class Space:
    """The candidates of a program on a target, and what was left out, counted by reason."""

    program: Program
    target: Target
    roles: Roles
    constraints: Constraints
    candidates: tuple[Candidate, ...]
    removed: dict[str, int]
    layouts: dict[Candidate, Bounds] = field(repr=False)

    def table(self, candidate: Candidate, name: str = "found") -> RuleTable:
        """The rule table of a candidate."""
        return table_of(candidate, self.roles, name)

    def bounds(self, candidate: Candidate) -> Bounds:
        """What the candidate takes at the least; how its step is run does not matter."""
        return self.layouts[layout_of(candidate)]

    def __len__(self) -> int:
        return len(self.candidates)


def make_space(
    program: Program,
    target: Target,
    constraints: Constraints | None = None,
    on_candidate: OnCandidate | None = None,
) -> Space:
    """The space of `program` on `target`, for `local`, on `target.counted(jax.device_count())`.

    Two candidates with one plan are one: when every array of the program has the same spec under both, up
    to the names of the mesh axes, XLA is given the same program. A mesh axis that cuts nothing makes
    devices do each other's work over, so the layout would be as fast without them.

    `on_candidate` is called with each candidate as it is found, and with its bounds.

    Raises AxisRulesError: AXR901 to AXR903 for the program and the constraints, AXR904 for an empty space.
    """
    constraints = constraints or Constraints()
    roles = read_roles(program.leaves)
    check_constraints(constraints, roles)
    maker = _Maker(program, target, roles, constraints)
    candidates = tuple(_told(maker, on_candidate))
    if not candidates:
        why = (
            ", ".join(f"{count} for {reason}" for reason, count in maker.removed.items())
            or "no mesh is allowed"
        )
        raise AxisRulesError([catalog.EMPTY_SPACE.at(subject=str(target), why=why)])
    return Space(program, target, roles, constraints, candidates, dict(maker.removed), maker.layouts)


def _told(maker: "_Maker", on_candidate: OnCandidate | None) -> Iterator[Candidate]:
    for candidate in maker.candidates():
        if on_candidate:
            on_candidate(candidate, maker.layouts[layout_of(candidate)])
        yield candidate


def layout_of(candidate: Candidate) -> Candidate:
    """The candidate without what decides how its step is run: the same plan."""
    return replace(candidate, remat="none", accumulate=1, schedule="", microbatches=1)


def signature_of(space: Space, table: RuleTable, mesh: str = "") -> object:
    """What two tables have in common that lay a program out alike: the same specs up to mesh axes' names.

    None for a table that does not fit the program or the target; its own mesh unless one is given.
    """
    try:
        fitted = space.target.fit(parse_mesh(mesh or table.mesh))
    except AxisRulesError:
        return None
    plan = survey(_one_of_each(space.program.leaves), table, fitted)
    if any(found.severity == "error" for found in plan.diagnostics):
        return None
    return _signature(plan)[0]


@dataclass
class _Maker:
    """Walks the choices from the mesh inwards; what fails on the way is counted."""

    program: Program
    target: Target
    roles: Roles
    constraints: Constraints
    removed: Counter[str] = field(default_factory=Counter)
    layouts: dict[Candidate, Bounds] = field(default_factory=dict)
    seen: set[object] = field(default_factory=set)

    def candidates(self) -> Iterator[Candidate]:
        """Every layout that has a plan of its own, in every way that its steps can be run."""
        leaves = _one_of_each(self.program.leaves)
        remats = tuple(_remats(self.program.leaves, self.roles))
        for layout in self._layouts():
            table = table_of(layout, self.roles)
            reason = self._problem(layout, table, leaves)
            if reason:
                self.removed[reason] += 1
                continue
            for candidate in self._trained(layout, remats):
                if self.constraints.allows(candidate, table):
                    yield candidate
                else:
                    self.removed[UNWANTED] += 1

    def _layouts(self) -> Iterator[Candidate]:
        for sizes in meshes(self.roles, self.target, self.constraints):
            if fits_rows(sizes, self.roles):
                yield from self._layouts_on(sizes)
            else:
                self.removed[ROWS] += 1

    def _layouts_on(self, sizes: Sizes) -> Iterator[Candidate]:
        """All that the rules can make of one mesh."""
        plain = Candidate(()).with_sizes(sizes)
        sharded: tuple[Sharded, ...] = ("params", "optimizer") if plain.size(FSDP) > 1 else ("params",)
        cuts = tuple(self._cuts(plain.size(TENSOR)))
        for (crossing, slices), part, cut in product(crossings(sizes, self.target), sharded, cuts):
            layout = replace(plain, sharded=part, crossing=crossing, slices=slices, cut=cut)
            yield layout
            if cut and self.roles.positions:
                yield replace(layout, cuts_positions=True)

    def _cuts(self, ways: int) -> Iterator[tuple[LogicalAxis, ...]]:
        """Every choice of groups for `tensor`, all of them first."""
        groups = [group.axes for group in self.roles.groups]
        for count in range(len(groups), 0, -1) if ways > 1 else ():
            for chosen in combinations(groups, count):
                yield tuple(axis for axes in chosen for axis in axes)
        if ways == 1:
            yield ()

    def _problem(self, layout: Candidate, table: RuleTable, leaves: Counter[Leaf]) -> str:
        """Why a layout is left out; "" where it is not, and its bounds are noted."""
        plan = survey(leaves, table, self.target.fit(parse_mesh(table.mesh)))
        errors = [found for found in plan.diagnostics if found.severity == "error"]
        if errors:
            return errors[0].title
        signature, used = _signature(plan)
        if len(used) < len(layout.sizes):
            return IDLE
        if signature in self.seen:
            return SAME
        self.seen.add(signature)
        counts = {leaf_plan: leaves[leaf_plan.leaf] for leaf_plan in plan.leaves}
        self.layouts[layout] = bound(plan, counts, self.roles.cover, self.target)
        return ""

    def _trained(self, layout: Candidate, remats: Sequence[str]) -> Iterator[Candidate]:
        """A layout with every way to run a step that its rows allow."""
        rows = self.roles.sizes[self.roles.rows] // prod(layout.size(axis) for axis in ROW_AXES)
        stages = layout.size(STAGE)
        if stages > 1:
            counts = (stages * each for each in MICROBATCHES_PER_STAGE)
            yield from (
                replace(layout, schedule=SCHEDULE, microbatches=count)
                for count in counts
                if rows % count == 0
            )
            return
        for parts in ACCUMULATIONS:
            if rows % parts == 0:
                yield from (replace(layout, remat=remat, accumulate=parts) for remat in remats)


def _one_of_each(leaves: Sequence[Leaf]) -> Counter[Leaf]:
    """One leaf for all that a table without paths lays out alike, with how many there are.

    Gradients are left out: tables of a search say nothing of them, so they lie as their parameters do.
    """
    first: dict[object, Leaf] = {}
    counts: Counter[Leaf] = Counter()
    for leaf in leaves:
        if leaf.kind != "gradients":
            counts[first.setdefault((leaf.kind, leaf.logical_axes, leaf.shape, leaf.dtype), leaf)] += 1
    return counts


def _signature(plan: Plan) -> tuple[object, set[MeshAxis]]:
    """What two plans have in common when they are one but for the names of mesh axes; and the axes in use."""
    across = dict(plan.mesh.slices)
    wide = [(name, size) for name, size in plan.mesh.sizes if size > 1]
    place = {name: at for at, (name, _) in enumerate(wide)}
    specs = tuple(
        tuple(tuple(place[axis] for axis in dim) for dim in leaf_plan.spec) for leaf_plan in plan.leaves
    )
    used = {axis for leaf_plan in plan.leaves for dim in leaf_plan.spec for axis in dim}
    sizes = tuple((size, across.get(name, 1)) for name, size in wide)
    return (sizes, specs), used


def _remats(leaves: Sequence[Leaf], roles: Roles) -> Iterator[str]:
    """The policies that match something in this program."""
    yield "none"
    modules = {part for leaf in leaves if leaf.kind == "params" for part in leaf.path.split("/")[:-1]}
    if roles.layers:
        yield "full"
    if any(fnmatchcase(module, glob) for module in modules for glob in NAMED_REMATS["attention"]):
        yield "attention"
