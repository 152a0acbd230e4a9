"""Whether a program fits at all: under which tables, on which mesh, and on how small a slice."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from axisrules.adapters import Program
from axisrules.diagnostics import AxisRulesError
from axisrules.evidence import Compiling, LayoutEvidence, compare
from axisrules.mesh import MeshSpec, Target, offered_topologies, parse_mesh
from axisrules.resolve import Plan, survey
from axisrules.rules import Kind, RuleTable
from axisrules.search.meshes import factorisations

# Meshes of one table that are compiled before it is said not to fit.
MOST_MESHES = 2
STATE: tuple[Kind, ...] = ("params", "optimizer", "batch")

# (what is compiled, how many of how many)
FitProgress = Callable[[str], None]


@dataclass(frozen=True)
class TableFit:
    """One table on one target: the mesh of the least memory, and what a device needs under it.

    `state_bytes` are the parameters, the optimizer state and the batch, which no compiler can do without;
    `needed_bytes` is the compiled step's, None where the state alone was too much or nothing was compiled.
    `fits` is None with an `error`.
    """

    rules: str
    target: Target
    mesh: MeshSpec | None = None
    state_bytes: int | None = None
    needed_bytes: int | None = None
    fits: bool | None = None
    error: str = ""


@dataclass(frozen=True)
class FitReport:
    """Every table on the target, and the smallest slice of the same chip on which one of them fits.

    `limit_bytes` is what may be filled of a device's memory. `smallest` is None where no
    slice on offer will do.
    """

    target: Target
    limit_bytes: int
    rows: tuple[TableFit, ...]
    smallest: TableFit | None
    compiles: int

    @property
    def fits(self) -> bool:
        """Whether some table fits on the target."""
        return any(row.fits for row in self.rows)


@dataclass(frozen=True)
class _Layout:
    """A table on a mesh, with the bytes of one device that its plan shows."""

    table: RuleTable
    mesh: MeshSpec
    state_bytes: int
    planned_bytes: int


@dataclass
class _Fitting:
    """One question under way."""

    program: Program
    tables: Sequence[RuleTable]
    hbm: float
    how: Compiling
    on_progress: FitProgress
    compiles: int = 0

    def limit(self, target: Target) -> int:
        return int(self.hbm * target.chip.compile_limit_bytes)

    def rows(self, target: Target) -> Iterator[TableFit]:
        """Every table on a target; what the bounds leave is compiled side by side."""
        layouts = {table.name: self.layouts(table, target) for table in self.tables}
        able = {name: [one for one in found if self._may_fit(one, target)] for name, found in layouts.items()}
        compiled = self._compiled([found[0] for found in able.values() if found], target)
        for table in self.tables:
            if able[table.name]:
                yield self._least(compiled[table.name], able[table.name][1:MOST_MESHES], target)
            elif layouts[table.name]:
                leanest = min(layouts[table.name], key=lambda one: one.state_bytes)
                yield self._fit(leanest, None, target)
            else:
                yield TableFit(table.name, target, error="no mesh of this target lays the program out")

    def _least(self, row: TableFit, others: Sequence[_Layout], target: Target) -> TableFit:
        """The row, or what fits of the other meshes, tried one after the other."""
        for other in others if row.fits is False else ():
            again = self._compiled([other], target)[other.table.name]
            if again.fits or (again.needed_bytes or 0) < (row.needed_bytes or 0):
                row = again
        return row

    def smallest(self, rows: Sequence[TableFit], target: Target) -> TableFit | None:
        """The least slice that will do, found by halving: of what the bounds leave, more hold no less."""
        shapes = target.chip.shapes
        offered = [
            replace(target, topology=one, slices=1, is_twisted=False) for one in offered_topologies(shapes)
        ]
        known = next((row for row in rows if row.fits), None)
        offered = [one for one in offered if (one.chip_count < target.chip_count) == bool(known)]
        offered = [one for one in offered if one.chip_count != target.chip_count and self.able(one)]
        low, high, best = 0, len(offered), known
        while low < high:
            middle = (low + high) // 2
            found = self.leanest(offered[middle])
            if found and found.fits:
                high, best = middle, found
            else:
                low = middle + 1
        return best

    def leanest(self, target: Target) -> TableFit | None:
        """The layout of the least memory of all tables on a target, compiled if its state leaves room."""
        found = self.able(target)[:MOST_MESHES]
        rows = [self._compiled([one], target)[one.table.name] for one in found[:1]]
        if rows and not rows[0].fits:
            rows += [self._compiled([one], target)[one.table.name] for one in found[1:]]
        return next((row for row in rows if row.fits), rows[0] if rows else None)

    def able(self, target: Target) -> list[_Layout]:
        """What the bounds leave of all tables on a target, the one of the least bytes first."""
        found = [one for table in self.tables for one in self.layouts(table, target)]
        return [one for one in sorted(found, key=_by_bytes) if self._may_fit(one, target)]

    def layouts(self, table: RuleTable, target: Target) -> list[_Layout]:
        """The table on every mesh of its own axes, the one of the least bytes first."""
        return sorted(self._planned(table, target), key=_by_bytes)

    def _planned(self, table: RuleTable, target: Target) -> Iterator[_Layout]:
        for mesh in meshes_of(table, target):
            plan = survey(self.program.leaves, table, mesh)
            if not any(found.severity == "error" for found in plan.diagnostics):
                yield _Layout(table, mesh, _held(plan), plan.bytes_per_device())

    def _may_fit(self, layout: _Layout, target: Target) -> bool:
        return layout.state_bytes <= self.limit(target)

    def _compiled(self, layouts: Sequence[_Layout], target: Target) -> dict[str, TableFit]:
        tables = [replace(one.table, mesh=str(one.mesh)) for one in layouts]
        self.compiles += len(tables)
        found = compare(
            self.program,
            tables,
            [target],
            how=self.how,
            on_progress=lambda layout, phase, _: self.on_progress(f"{layout}: {phase}"),
        )
        return {
            one.table.name: self._fit(one, row, target) for one, row in zip(layouts, found.rows, strict=True)
        }

    def _fit(self, layout: _Layout, row: LayoutEvidence | None, target: Target) -> TableFit:
        made = TableFit(layout.table.name, target, layout.mesh, layout.state_bytes)
        if row is None:
            return replace(made, fits=False)
        if row.error or row.needed_bytes is None:
            return replace(made, error=row.error or "the compiler did not say what the step needs")
        return replace(made, needed_bytes=row.needed_bytes, fits=row.needed_bytes <= self.limit(target))


def fit(
    program: Program,
    tables: Sequence[RuleTable],
    target: Target,
    *,
    hbm: float = 1.0,
    how: Compiling | None = None,
    on_progress: FitProgress | None = None,
) -> FitReport:
    """Whether the program fits on a described target under each table, and the least slice on which it does.

    A table is compiled on the mesh whose plan holds the least bytes on a device, and not at all where its
    state alone is more than `hbm` of the memory on every mesh.
    """
    asked = _Fitting(program, tables, hbm, how or Compiling(), on_progress or _unseen)
    rows = tuple(asked.rows(target))
    smallest = asked.smallest(rows, target)
    return FitReport(target, asked.limit(target), rows, smallest, asked.compiles)


def _unseen(phase: str) -> None:
    """Progress that nobody watches."""


def meshes_of(table: RuleTable, target: Target) -> Iterator[MeshSpec]:
    """Every way to share a target's devices among the mesh axes that a table suggests, or else names."""
    names = [name for name, _ in parse_mesh(table.mesh).sizes] if table.mesh else list(table.mesh_axes)
    for sizes in factorisations(names, target.device_count):
        try:
            yield target.fit(parse_mesh({str(axis): size for axis, size in sizes.items()}))
        except AxisRulesError:  # slices that no axis can go across
            continue


def _held(plan: Plan) -> int:
    return sum(plan.bytes_per_device(kind) for kind in STATE)


def _by_bytes(layout: _Layout) -> int:
    return layout.planned_bytes
