"""The engine: any verified schedule, run by the same program on every device, in lockstep.

Where devices differ, they read different numbers from the schedule's tables; what a device computes while
it waits goes to a place that nobody reads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from axisrules.pipeline.floats import Arrays, float_vjp, is_float, wide
from axisrules.pipeline.layers import Layers, Totals
from axisrules.pipeline.parts import Parts
from axisrules.pipeline.passes import Passes
from axisrules.pipeline.rows import Rows
from axisrules.pipeline.tables import Tables, rows_between
from axisrules.schedules import head_loops, loops

HOST, DEVICE = jax.memory.Space.Host, jax.memory.Space.Device

State = dict[str, Any]
Row = Mapping[str, Any]
Turn = Callable[[State, Row], tuple[State, None]]


@dataclass(frozen=True)
class Manual:
    """The mesh axes that the engine handles itself, and how many devices lie along them."""

    stage_axis: str
    data_axes: tuple[str, ...]
    stages: int

    def send(self, values: Arrays, step: int) -> Arrays:
        """Each device's values to its neighbour: the next for step 1, the one before for step -1."""
        if self.stages == 1:
            return values
        ring = [(device, (device + step) % self.stages) for device in range(self.stages)]
        return [jax.lax.ppermute(value, self.stage_axis, ring) for value in values]

    def send_together(self, values: Arrays, others: Arrays) -> tuple[Arrays, Arrays]:
        """Two lists of equal shapes to the next device, by one message for each pair."""
        pairs = [jnp.stack([one, other]) for one, other in zip(values, others, strict=True)]
        sent = self.send(pairs, 1)
        return [pair[0] for pair in sent], [pair[1] for pair in sent]

    def total(self, values: Arrays, *, over_stages: bool) -> Arrays:
        """The sums of values over data, and over stages too where each has a part."""
        axes = (*self.data_axes, self.stage_axis) if over_stages else self.data_axes
        return [jax.lax.psum(value, axes) for value in values] if axes else values


@dataclass(frozen=True, eq=False)
class Engine:
    """One device's part of a step: `statics` and `stacked` as the split names them, `rows` its own.

    `head` has the parts for the rows that a device works on in the head: a microbatch's, or where the head
    is spread over the stages, its share of them.
    """

    layers: Layers
    head: Parts
    rows: Rows
    tables: Tables
    manual: Manual
    statics: dict[Any, Any]
    cotangents: Arrays
    stage: Any
    fill: float = 0.0

    @property
    def parts(self) -> Parts:
        """The parts for a microbatch's rows."""
        return self.layers.parts

    @property
    def is_spread(self) -> bool:
        """Whether every device works on a share of each microbatch's head."""
        return self.tables.schedule.head_rounds > 0

    def run(self) -> tuple[Arrays, dict[Any, Any], Arrays]:
        """The sums, the gradients of float statics by name, and those of the stacked; totals over data."""
        schedule = self.tables.schedule
        state = self.start()
        with_head = head_loops(schedule)
        for loop, has_head in zip(loops(schedule), with_head, strict=True):
            rows = rows_between(self.tables.all, loop.first_round, loop.trips)
            own = {name: jnp.asarray(table)[:, self.stage] for name, table in rows.items()}
            state, _ = jax.lax.scan(self.round_of(loop.kinds, has_head=has_head), state, own)
        sums = self.manual.total(state["sums"], over_stages=True)
        names = list(state["statics"])
        totals = self.manual.total([state["statics"][name] for name in names], over_stages=True)
        stacked = self.manual.total(state["stacked"], over_stages=False)
        return sums, dict(zip(names, totals, strict=True)), stacked

    def round_of(
        self, kinds: tuple[str, ...], *, has_head: bool
    ) -> Callable[[State, Row], tuple[State, None]]:
        """One turn of the loop whose rounds have these kinds of work."""

        def turn(state: State, row: Row) -> tuple[State, None]:
            state = dict(state)
            out: Arrays | None = None
            if has_head and self.is_spread:
                self.deliver(state, row)
            if "forward" in kinds:
                out = self.forward(state, row)
            if has_head:
                (self.spread_head if self.is_spread else self.near_head)(state, row, out)
            back = self.backward(state, row) if "backward" in kinds else None
            if "weight" in kinds:
                self.weight(state, row)
            self.exchange(state, row, out, back, has_head=has_head)
            return state, None

        return turn

    def start(self) -> State:
        """Empty boxes, and zeros to add to."""
        counts = self.tables.counts
        travels = jax.eval_shape(lambda: self.front(self.rows.feed(0)))
        floats = [leaf for leaf in travels if is_float(leaf)]
        sums = jax.eval_shape(lambda: self.head_sums(self.rows.feed(0), travels))
        saved = self.passes.saved_shapes() if self.has_backward else []
        parked = self.passes.parked_shapes() if self.tables.schedule.has_weight_tasks else []
        return {
            "inbox": self.boxes(travels, counts["inbox"]),
            "saved": [
                jax.device_put(box, HOST) if at in self.passes.outside else box
                for at, box in enumerate(self.boxes(saved, counts["saved"]))
            ],
            "outbox": self.boxes(floats, counts["outbox"]),
            "parked": self.boxes(parked, counts["parked"]),
            "conveyor": self.boxes(travels) if self.is_spread else [],
            "sums": [wide(leaf) for leaf in sums],
            "statics": {name: wide(value) for name, value in self.statics.items() if is_float(value)},
            "stacked": [wide(value) for value in self.layers.stacked if is_float(value)],
        }

    def boxes(self, shapes: Arrays, count: int | None = None) -> Arrays:
        """Arrays of these shapes; with a count that many of each.

        There are never less than two: around a box of one place XLA copies what the loops carry (44 of
        361 MB of a step for TPU v5e, jaxlib 0.10.2).
        """
        lead = () if count is None else (max(count, 2),)
        return [
            jnp.full((*lead, *leaf.shape), self.fill if is_float(leaf) else 0, leaf.dtype) for leaf in shapes
        ]

    def front(self, feed: Arrays) -> Arrays:
        """What travels into the first layer of a microbatch."""
        return self.parts.front(self.read(self.parts.front_statics), feed)

    def fresh(self, feed: Arrays) -> Arrays:
        """A microbatch's own operands of the layers."""
        return self.parts.fresh(self.read(self.parts.split.statics), feed)

    def head_sums(self, feed: Arrays, travelled: Arrays) -> Arrays:
        """The row sums of a whole microbatch, for their shapes."""
        filled = [jnp.zeros(leaf.shape, leaf.dtype) for leaf in travelled]
        return self.parts.head(self.read(self.parts.head_statics), feed, filled)

    def read(self, names: Any) -> Arrays:
        """Statics by their names."""
        return [self.statics[name] for name in names]

    def forward(self, state: State, row: Row) -> Arrays:
        """One forward task: what travels on. What backward needs is saved."""
        virtual_stage = row["forward_stage"]
        feed = self.rows.feed(row["forward_microbatch"])
        arrived = [box[row["forward_inbox"]] for box in state["inbox"]]
        born = self.front(feed)
        travels = [jnp.where(virtual_stage == 0, new, old) for new, old in zip(born, arrived, strict=True)]
        if not self.has_backward:
            statics = self.read(self.parts.layer_statics)
            return self.layers.forward(statics, self.fresh(feed), travels, virtual_stage)
        out, saved = self.passes.forward(self.fresh(feed), travels, virtual_stage)
        state["saved"] = _put(state["saved"], row["forward_saved"], saved)
        return out

    @property
    def has_backward(self) -> bool:
        """Whether gradients are wanted at all."""
        return "backward" in self.tables.schedule.ticks

    def near_head(self, state: State, row: Row, out: Arrays | None) -> None:
        """The head of what has just come out; only what the last stage makes of it is kept."""
        assert out is not None, "a head follows its forward task at once"
        last = self.tables.schedule.virtual_stages - 1
        is_due = (row["forward_on"] > 0) & (row["forward_stage"] == last)
        feed = self.rows.feed(row["forward_microbatch"])
        gradients = self.work_on_head(state, self.parts, feed, out, is_due)
        if self.has_backward:
            state["outbox"] = _put(state["outbox"], row["head_outbox"], gradients)

    def deliver(self, state: State, row: Row) -> None:
        """Put the gradients that have come round all devices where the last stage takes them from."""
        gradients = [leaf for leaf in state["conveyor"] if is_float(leaf)]
        state["outbox"] = _put(state["outbox"], row["head_outbox"], gradients)

    def spread_head(self, state: State, row: Row, out: Arrays | None) -> None:
        """The head of this device's share of the rows that are passing by.

        A microbatch goes once round all devices: its activations leave the last one, each device puts the
        gradients of its rows in their place, and gradients alone come back.
        """
        passing = state["conveyor"]
        if out is not None:
            is_last = self.stage == self.manual.stages - 1
            passing = [jnp.where(is_last, new, old) for new, old in zip(out, passing, strict=True)]
        feed = self.rows.feed(row["head_microbatch"], self.stage, self.manual.stages)
        places = [self.share_of(leaf, dim) for leaf, dim in zip(passing, self.row_dims, strict=True)]
        own = [jax.lax.dynamic_slice(leaf, *place) for leaf, place in zip(passing, places, strict=True)]
        is_due = row["head_on"] > 0
        gradients = iter(self.work_on_head(state, self.head, feed, own, is_due))
        state["conveyor"] = [
            jax.lax.dynamic_update_slice(leaf, jnp.where(is_due, next(gradients), rows), place[0])
            if is_float(leaf)
            else leaf
            for leaf, rows, place in zip(passing, own, places, strict=True)
        ]

    @cached_property
    def row_dims(self) -> list[int]:
        """Where the rows are in what travels."""
        whole, share = (
            jax.eval_shape(
                lambda parts=parts, n=n: parts.front(self.read(parts.front_statics), self.rows.feed(0, 0, n))
            )
            for parts, n in ((self.parts, 1), (self.head, self.manual.stages))
        )
        pairs = zip(whole, share, strict=True)
        return [next(dim for dim, size in enumerate(a.shape) if size != b.shape[dim]) for a, b in pairs]

    def share_of(self, leaf: Any, dim: int) -> tuple[list[Any], list[int]]:
        """Start and size of this device's rows."""
        starts, sizes = [jnp.zeros((), jnp.int32)] * leaf.ndim, list(leaf.shape)
        sizes[dim] //= self.manual.stages
        starts[dim] = jnp.asarray(self.stage * sizes[dim], jnp.int32)
        return starts, sizes

    def work_on_head(
        self, state: State, parts: Parts, feed: Arrays, travelled: Arrays, is_due: Any
    ) -> Arrays:
        """Add up the sums and the gradients of the head's statics; the gradients of what travelled."""
        statics = self.read(parts.head_statics)

        def run(*arguments: Any) -> Arrays:
            return parts.head(arguments[: len(statics)], feed, arguments[len(statics) :])

        if not self.has_backward:
            state["sums"] = _added(state["sums"], run(*statics, *travelled), is_due)
            return []
        sums, pull = float_vjp(run, *statics, *travelled)
        gradients = pull(self.cotangents)
        state["sums"] = _added(state["sums"], sums, is_due)
        self.add_statics(state, parts.head_statics, gradients[: len(statics)], is_due)
        return [gradient for gradient in gradients[len(statics) :] if gradient is not None]

    def backward(self, state: State, row: Row) -> Arrays:
        """One backward task: the gradients to send back. Those of weights are added up."""
        is_on, virtual_stage = row["backward_on"] > 0, row["backward_stage"]
        feed = self.rows.feed(row["backward_microbatch"])
        cotangents = [box[row["backward_outbox"]] for box in state["outbox"]]
        saved = _taken(state["saved"], row["backward_saved"])
        fresh = self.fresh(feed)
        if self.tables.schedule.has_weight_tasks:
            back, parked = self.passes.backward_first(fresh, saved, cotangents, virtual_stage)
            state["parked"] = _put(state["parked"], row["backward_parked"], parked)
        else:
            totals = self.totals(state, virtual_stage, is_on)
            back, totals = self.passes.backward(fresh, saved, cotangents, totals)
            self.keep(state, totals)
        self.front_backward(state, feed, back, is_on & (virtual_stage == 0))
        return back

    def weight(self, state: State, row: Row) -> None:
        """One task of the weights' gradients, from what its backward task has parked."""
        virtual_stage = row["weight_stage"]
        feed = self.rows.feed(row["weight_microbatch"])
        parked = [box[row["weight_parked"]] for box in state["parked"]]
        totals = self.totals(state, virtual_stage, row["weight_on"] > 0)
        self.keep(state, self.passes.backward_second(self.fresh(feed), parked, totals))

    @cached_property
    def passes(self) -> Passes:
        """The layers forward and backward."""
        fresh, travels = jax.eval_shape(
            lambda: (self.fresh(self.rows.feed(0)), self.front(self.rows.feed(0)))
        )
        statics = self.read(self.parts.layer_statics)
        return Passes(self.layers, tuple(statics), tuple(fresh), tuple(travels))

    @property
    def layer_floats(self) -> list[Any]:
        """The names of the layers' statics that have gradients."""
        return [name for name in self.parts.layer_statics if is_float(self.statics[name])]

    def totals(self, state: State, virtual_stage: Any, is_due: Any) -> Totals:
        """The gradients of the layers' weights so far, ready to be added to."""
        statics = [state["statics"][name] for name in self.layer_floats]
        repeat = virtual_stage // self.layers.layout.stages
        return Totals(statics, state["stacked"], virtual_stage, repeat, is_due, self.layers.group)

    def keep(self, state: State, totals: Totals) -> None:
        """Put the gradients of the layers' weights back."""
        state["statics"] = state["statics"] | dict(zip(self.layer_floats, totals.statics, strict=True))
        state["stacked"] = totals.stacked

    def front_backward(self, state: State, feed: Arrays, cotangents: Arrays, is_due: Any) -> None:
        """The gradients of the front's statics, from those of what travelled out of it."""
        names = self.parts.front_statics
        out, pull = float_vjp(lambda *statics: self.parts.front(statics, feed), *self.read(names))
        given = iter(cotangents)
        self.add_statics(
            state, names, pull([next(given) if is_float(leaf) else None for leaf in out]), is_due
        )

    def add_statics(self, state: State, names: Any, gradients: Arrays, is_due: Any) -> None:
        """Add gradients to the totals of their statics."""
        totals = dict(state["statics"])
        for name, gradient in zip(names, gradients, strict=True):
            if gradient is not None:
                (totals[name],) = _added([totals[name]], [gradient], is_due)
        state["statics"] = totals

    def exchange(
        self, state: State, row: Row, out: Arrays | None, back: Arrays | None, *, has_head: bool
    ) -> None:
        """Send on what travels, and put what arrives into its place."""
        if out is not None and has_head and self.is_spread:
            arrived, state["conveyor"] = self.manual.send_together(out, state["conveyor"])
            state["inbox"] = _put(state["inbox"], row["arriving_inbox"], arrived)
        elif out is not None:
            arrived = self.manual.send(out, 1)
            state["inbox"] = _put(state["inbox"], row["arriving_inbox"], arrived)
        elif has_head and self.is_spread:
            state["conveyor"] = self.manual.send(state["conveyor"], 1)
        if back is not None:
            arrived = self.manual.send(back, -1)
            state["outbox"] = _put(state["outbox"], row["arriving_outbox"], arrived)


def _put(boxes: Arrays, place: Any, values: Arrays) -> Arrays:
    return [
        jax.lax.dynamic_update_index_in_dim(box, _beside(box, value.astype(box.dtype)), place, 0)
        for box, value in zip(boxes, values, strict=True)
    ]


def _taken(boxes: Arrays, place: Any) -> Arrays:
    found = [jax.lax.dynamic_index_in_dim(box, place, 0, keepdims=False) for box in boxes]
    return [jax.device_put(value, DEVICE) if _is_outside(value) else value for value in found]


def _beside(box: Any, value: Any) -> Any:
    return jax.device_put(value, HOST) if _is_outside(box) else value


def _is_outside(value: Any) -> bool:
    return bool(jax.typeof(value).memory_space == HOST)


def _added(totals: Arrays, values: Arrays, is_due: Any) -> Arrays:
    return [
        total + jnp.where(is_due, value, 0).astype(total.dtype)
        for total, value in zip(totals, values, strict=True)
    ]
