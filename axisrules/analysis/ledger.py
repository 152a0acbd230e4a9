"""The ledger: every collective of a compiled step, to filter, to group, to sum and to assert on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Literal

from axisrules.analysis.hlo import SourceLine
from axisrules.analysis.loops import LoopStep
from axisrules.analysis.mesh_axes import AxisPart
from axisrules.axes import MeshAxis

Kind = Literal[
    "all-reduce",
    "all-gather",
    "reduce-scatter",
    "all-to-all",
    "ragged-all-to-all",
    "collective-permute",
    "broadcast",
    "send",
]
Network = Literal["ici", "dcn", "nvlink", "infiniband", "local"]
# What joins slices or nodes.
SLOW_NETWORKS: tuple[Network, ...] = ("dcn", "infiniband")
Direction = Literal["forward", "backward", "update"]
GroupKey = Literal[
    "kind", "mesh_axes", "network", "direction", "module_path", "source", "dtype", "logical_axes", "rules"
]


@dataclass(frozen=True)
class Collective:
    """One array that one collective of the program moves.

    A combined collective moves several arrays in one launch: it appears once per array, with the
    same `instruction`, and `operand` of `operand_count` says which. Bytes are per device and per
    execution: `payload_bytes` is the whole array that a group gathers, reduces or exchanges,
    `wire_bytes` what one device sends. `count` is how often a step executes it, loops multiplied out; a
    branch of a conditional counts as taken, and `is_conditional` says so. `module_path` has the names of
    the modules, or their classes where the model's library names no operations. `replaces` names the
    collective that a windowed loop of permutes stands for. `logical_axes`, `rules` and `leaves`
    say what asked for it, where something has looked that up.
    """

    kind: Kind
    instruction: str
    computation: str
    operand: int
    operand_count: int
    count: int
    payload_bytes: int
    wire_bytes: int
    dtype: str
    shape: tuple[int, ...]
    group_size: int
    axes: tuple[AxisPart, ...]
    network: Network
    direction: Direction
    module_path: str
    op_name: str
    scopes: tuple[str, ...] = ()
    source: SourceLine | None = None
    stack: tuple[SourceLine, ...] = ()
    is_async: bool = False
    loops: tuple[LoopStep, ...] = ()
    is_conditional: bool = False
    replaces: str = ""
    logical_axes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()

    @property
    def mesh_axes(self) -> tuple[MeshAxis, ...]:
        """The mesh axes it runs over, major to minor, whole or in part."""
        return tuple(dict.fromkeys(part.mesh_axis for part in self.axes))

    @property
    def total_bytes(self) -> int:
        """Payload bytes of all executions in a step."""
        return self.count * self.payload_bytes

    @property
    def total_wire_bytes(self) -> int:
        """Bytes that one device sends for it in a step."""
        return self.count * self.wire_bytes

    def to_json(self) -> dict[str, object]:
        """Every fact as plain values, the same keys for every collective."""
        return {
            "kind": self.kind,
            "instruction": self.instruction,
            "operand": self.operand,
            "operand_count": self.operand_count,
            "count": self.count,
            "payload_bytes": self.payload_bytes,
            "wire_bytes": self.wire_bytes,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "group_size": self.group_size,
            "mesh_axes": [str(part) for part in self.axes],
            "network": self.network,
            "direction": self.direction,
            "module_path": self.module_path,
            "source": str(self.source) if self.source else None,
            "function": self.source.function if self.source else None,
            "stack": [f"{line} {line.function}" for line in self.stack],
            "op_name": self.op_name,
            "scopes": list(self.scopes),
            "is_async": self.is_async,
            "loops": [{"name": loop.name, "trip_count": loop.trip_count, "is_known": loop.is_known}
                      for loop in self.loops],
            "is_conditional": self.is_conditional,
            "replaces": self.replaces or None,
            "logical_axes": list(self.logical_axes),
            "rules": list(self.rules),
            "leaves": list(self.leaves),
        }  # fmt: skip


@dataclass(frozen=True)
class Ledger:
    """All collectives of a compiled step, or those that a filter left; empty is false.

    >>> Ledger(()).only(kind="all-gather", network="dcn").total_bytes
    0
    """

    collectives: tuple[Collective, ...]

    def __iter__(self) -> Iterator[Collective]:
        return iter(self.collectives)

    def __len__(self) -> int:
        return len(self.collectives)

    @cached_property
    def count(self) -> int:
        """Launches in a step: a combined collective counts once."""
        launches = {(one.instruction, one.computation): one.count for one in self.collectives}
        return sum(launches.values())

    @cached_property
    def total_bytes(self) -> int:
        """Payload bytes a device takes part in, all executions of a step summed."""
        return sum(one.total_bytes for one in self.collectives)

    @cached_property
    def wire_bytes(self) -> int:
        """Bytes that one device sends in a step."""
        return sum(one.total_wire_bytes for one in self.collectives)

    def only(
        self,
        *,
        kind: Kind | None = None,
        mesh_axis: str | None = None,
        network: Network | None = None,
        direction: Direction | None = None,
        module_path: str | None = None,
        where: Callable[[Collective], bool] | None = None,
    ) -> "Ledger":
        """The collectives that meet every condition given.

        `mesh_axis` also finds those over a part of the axis or over several axes; `module_path` is a
        glob (`*/attention*`), matched with and without the outermost module's name.
        """
        return Ledger(
            tuple(
                one
                for one in self.collectives
                if kind in (None, one.kind)
                and (mesh_axis is None or mesh_axis in one.mesh_axes)
                and network in (None, one.network)
                and direction in (None, one.direction)
                and (module_path is None or _path_matches(one.module_path, module_path))
                and (where is None or where(one))
            )
        )

    def group_by(self, *keys: GroupKey) -> "dict[tuple[str, ...], Ledger]":
        """A ledger for every combination of the keys' values (as text), most wire bytes first."""
        groups: dict[tuple[str, ...], list[Collective]] = {}
        for one in self.collectives:
            groups.setdefault(tuple(_key_text(one, key) for key in keys), []).append(one)
        ledgers = {values: Ledger(tuple(members)) for values, members in groups.items()}
        return dict(sorted(ledgers.items(), key=lambda item: (-item[1].wire_bytes, item[0])))

    def to_json(self) -> dict[str, object]:
        """Totals and every collective, as plain values."""
        return {
            "count": self.count,
            "total_bytes": self.total_bytes,
            "wire_bytes": self.wire_bytes,
            "collectives": [one.to_json() for one in self.collectives],
        }


def _path_matches(path: str, glob: str) -> bool:
    return fnmatchcase(path, glob) or fnmatchcase(path.partition("/")[2], glob)


def _key_text(one: Collective, key: GroupKey) -> str:
    if key == "mesh_axes":
        return " ".join(map(str, one.axes))
    if key == "source":
        return str(one.source) if one.source else ""
    value: object = getattr(one, key)
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
