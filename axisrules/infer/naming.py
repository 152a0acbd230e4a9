"""Names for a graph of axes: given ones spread over their class, then over weak links, then guesses."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import Node
from axisrules.infer.conflicts import aliases_of, find_contradictions
from axisrules.infer.given import Given, read_seeds
from axisrules.infer.inference import AxisClass, DimName, Inference, NamedArray, NameSource, Opaque
from axisrules.infer.record import Dims, Record
from axisrules.infer.roles import guess_roles
from axisrules.infer.source import source_of
from axisrules.infer.spread import spread_weakly
from axisrules.infer.traced import Seed, Traced
from axisrules.infer.unify import AxisGraph, unify
from axisrules.infer.versions import is_ordered


def infer(
    traced: Traced, seeds: Sequence[Seed] = (), *, roles: bool = True, templates: bool = True
) -> Inference:
    """`name_axes` of the graph that `unify` makes of `traced`."""
    return name_axes(unify(traced, templates=templates), seeds, roles=roles)


def name_axes(
    graph: AxisGraph, seeds: Sequence[Seed] = (), *, roles: bool = True, hidden: tuple[str, ...] = ()
) -> Inference:
    """Names for every array of `graph` that has a place; guesses among them only with `roles`.

    Source lines in `hidden` folders are passed over for those of the code that called into them.
    """
    reading = read_seeds(graph.arrays, seeds)
    naming = _Naming(graph.record, _votes(graph.record, reading.given))
    in_params = _param_classes(graph)
    # A name that stands on activations alone reaches parameters by proof only.
    sources = in_params | {graph.record.axes.find(g.node) for g in reading.given if g.place.kind == "params"}
    for_params, for_others = spread_weakly(graph.record, naming.names, in_params, sources)
    naming.add(for_params, "weak")
    if roles:
        found = guess_roles(graph, {**naming.names, **for_others})
        naming.add(found, "role")
        naming.add(for_others, "weak")
        for spread in spread_weakly(graph.record, naming.names, in_params, sources | set(found)):
            naming.add(spread, "role")
    naming.add(for_others, "weak")
    given = {(item.place, item.dim): item.name for item in reading.given}
    arrays = tuple(
        NamedArray(
            place,
            tuple(map(graph.record.size, dims)),
            str(getattr(aval, "dtype", "")),
            naming.dims(dims, [given.get((place, dim)) for dim in range(len(dims))]),
        )
        for place, (dims, aval) in graph.arrays.items()
    )
    return Inference(
        arrays,
        naming.classes(graph),
        (*reading.misfits, *find_contradictions(graph, reading.given, hidden)),
        _opaque(graph.record, hidden),
        reading.unused,
        aliases_of(graph, reading.given),
    )


def _param_classes(graph: AxisGraph) -> set[Node]:
    params = [dims for place, (dims, _) in graph.arrays.items() if place.kind == "params"]
    return {graph.record.axes.find(node) for dims in params for node in dims}


def _votes(record: Record, given: Iterable[Given]) -> dict[Node, tuple[LogicalAxis, ...]]:
    """The names given to each class, the most frequent first."""
    counts: dict[Node, Counter[LogicalAxis]] = defaultdict(Counter)
    for item in given:
        counts[record.axes.find(item.node)][item.name] += 1
    return {root: tuple(name for name, _ in found.most_common()) for root, found in counts.items()}


@dataclass(slots=True, eq=False)
class _Naming:
    """Names by class, where each came from, and the classes in the order in which they were met."""

    record: Record
    votes: Mapping[Node, tuple[LogicalAxis, ...]]
    names: dict[Node, LogicalAxis] = field(init=False)
    sources: dict[Node, NameSource] = field(init=False)
    numbers: dict[Node, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = {root: names[0] for root, names in self.votes.items()}
        self.sources = dict.fromkeys(self.names, "strong")

    def add(self, found: Mapping[Node, LogicalAxis], source: NameSource) -> None:
        for root in found:
            if root not in self.names:
                self.names[root] = found[root]
                self.sources[root] = source

    def number(self, root: Node) -> int:
        return self.numbers.setdefault(root, len(self.numbers))

    def dims(self, dims: Dims, given: Sequence[LogicalAxis | None]) -> tuple[DimName, ...]:
        """Names for one array; a name that it has already goes to an alias, or to nothing."""
        taken = {name for name in given if name is not None}
        named = []
        for node, given_name in zip(dims, given, strict=True):
            root = self.record.axes.find(node)
            number = self.number(root)
            if given_name is not None:
                named.append(DimName(given_name, "given", number))
                continue
            own = self.votes.get(root) or ((self.names[root],) if root in self.names else ())
            name = next((name for name in own if name not in taken), None)
            taken.add(name) if name is not None else None
            named.append(DimName(name, self.sources[root] if name is not None else "unknown", number))
        return tuple(named)

    def classes(self, graph: AxisGraph) -> tuple[AxisClass, ...]:
        """All classes met so far, and the factors of these."""
        find = self.record.axes.find
        members: dict[Node, list[tuple[str, int]]] = defaultdict(list)
        for place, (dims, _) in graph.arrays.items():
            if place.kind == "params":
                for dim, node in enumerate(dims):
                    members[find(node)].append((place.path, dim))
        found = []
        for root in self.numbers:
            factors = tuple(self.numbers[f] for f in self.record.axes.factors(root) if f in self.numbers)
            whole = factors if len(factors) == len(self.record.axes.factors(root)) else ()
            source = self.sources.get(root, "unknown")
            found.append(
                AxisClass(
                    self.numbers[root],
                    self.record.size(root),
                    self.names.get(root),
                    "given" if root in self.votes else source,
                    tuple(members[root]),
                    whole,
                )
            )
        return tuple(found)


def _opaque(record: Record, hidden: tuple[str, ...]) -> tuple[Opaque, ...]:
    found: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for reason in record.opaque:
        equation = record.reasons[reason].equation
        found[equation.primitive.name, is_ordered(equation)].append(reason)
    return tuple(
        Opaque(name, len(reasons), *source_of(record, reasons[0], hidden)[1:], ordered)
        for (name, ordered), reasons in found.items()
    )
