"""What the parts of a model cost on a device at hand: each a compiled program of its own, timed."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from axisrules.adapters import Program, reading
from axisrules.pipeline.floats import Arrays, float_vjp, is_float
from axisrules.pipeline.inputs import is_key, read_inputs
from axisrules.pipeline.loss import cut_loss, scored
from axisrules.pipeline.model_costs import ModelCosts, PartCost
from axisrules.pipeline.parts import Parts
from axisrules.pipeline.trace import aval, trace

TRIES = 7
# Shorter than this a clock and a dispatch count for much: calls are made in a row until it is over.
LEAST_SECONDS = 0.02


def batch_rows(program: Program) -> int:
    """How many rows the batch of a program has."""
    return read_inputs(program).rows


def measure_program(program: Program, rows: int, tries: int = TRIES) -> ModelCosts:
    """The parts of a program's loss, timed on one device: of each the median of `tries` runs.

    A microbatch has `rows` rows. All layers run one program, so that one is timed. Weights and rows are
    random numbers of the right shapes, and only one layer's are made. Raises what `cut_loss` does.
    """
    bench = _Bench(_parts(program, rows), tries)
    layers = bench.parts.trace.loop.length
    device = jax.devices()[0].device_kind
    return ModelCosts(bench.front(), bench.layer(), bench.head(), layers, "seconds", rows, device)


def _parts(program: Program, rows: int) -> Parts:
    inputs = read_inputs(program)
    cut, _ = cut_loss(program, inputs)
    with reading():
        made = trace(partial(scored, program, []), *inputs.with_rows(rows)).like(cut.trace)
    return Parts(cut, made, inputs.of_arrays(inputs.flat_with_rows(rows)))


@dataclass(frozen=True, eq=False)
class _Bench:
    """Times the parts, on numbers of its own."""

    parts: Parts
    tries: int

    def front(self) -> PartCost:
        """What comes before the layers."""
        statics, feed = self.statics(self.parts.front_statics), self.feed()

        def gradients(statics: Arrays, feed: Arrays, cotangents: Arrays) -> Arrays:
            run = lambda *own: self.parts.front(own, feed)  # noqa: E731
            return _floats(float_vjp(run, *statics)[1](cotangents))

        forward = self.seconds(self.parts.front, statics, feed)
        if not any(map(is_float, statics)):
            return PartCost(forward)
        return PartCost(forward, 0.0, self.seconds(gradients, statics, feed, self.travels()))

    def layer(self) -> PartCost:
        """One layer."""
        parts, loop = self.parts, self.parts.trace.loop
        cut = [_filled(aval(loop.eqn.invars[at]), drop=1) for at in parts.split.stacked]
        statics, travels = self.statics(parts.layer_statics), self.travels()
        fresh = jax.jit(parts.fresh)(self.statics(parts.split.statics), self.feed())

        def forward(statics: Arrays, cut: Arrays, travels: Arrays) -> Arrays:
            return parts.layer(statics, fresh, cut, travels, 0)

        def of_inputs(statics: Arrays, cut: Arrays, travels: Arrays) -> Arrays:
            return _floats(float_vjp(lambda *own: forward(statics, cut, list(own)), *travels)[1](travels))

        def of_all(statics: Arrays, cut: Arrays, travels: Arrays) -> Arrays:
            ends = len(statics), len(statics) + len(cut)

            def run(*own: Any) -> Arrays:
                return forward(list(own[: ends[0]]), list(own[ends[0] : ends[1]]), list(own[ends[1] :]))

            return _floats(float_vjp(run, *statics, *cut, *travels)[1](travels))

        one, two, three = (self.seconds(run, statics, cut, travels) for run in (forward, of_inputs, of_all))
        return PartCost(one, two, max(0.0, three - two))

    def head(self) -> PartCost:
        """What comes after the layers, and its gradients."""
        statics, feed, travels = self.statics(self.parts.head_statics), self.feed(), self.travels()

        def whole(statics: Arrays, feed: Arrays, travels: Arrays) -> Arrays:
            def run(*own: Any) -> Arrays:
                return self.parts.head(own[: len(statics)], feed, own[len(statics) :])

            sums, pull = float_vjp(run, *statics, *travels)
            return [*sums, *_floats(pull([jnp.ones_like(value) for value in sums]))]

        return PartCost(self.seconds(whole, statics, feed, travels))

    def seconds(self, function: Callable[..., Arrays], *arguments: Arrays) -> float:
        """The median of several runs of the compiled function."""
        run = jax.jit(function).lower(*arguments).compile()
        jax.block_until_ready(run(*arguments))
        calls = max(1, round(LEAST_SECONDS / max(_timed(run, arguments, 1), 1e-6)))
        return statistics.median(_timed(run, arguments, calls) for _ in range(self.tries))

    def statics(self, names: Any) -> Arrays:
        """Numbers for statics, by their names."""
        return [_filled(aval(self.parts.split.trace.atom(name))) for name in names]

    def feed(self) -> Arrays:
        """Numbers for a microbatch's rows and keys."""
        inputs = self.parts.inputs
        return [_filled(inputs.shapes[at]) for at in inputs.of("rows", "key")]

    def travels(self) -> Arrays:
        """Numbers for what travels from layer to layer."""
        shapes = jax.eval_shape(self.parts.front, self.statics(self.parts.front_statics), self.feed())
        return [_filled(shape) for shape in shapes]


def _timed(run: Callable[..., Any], arguments: tuple[Arrays, ...], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls - 1):
        run(*arguments)
    jax.block_until_ready(run(*arguments))
    return (time.perf_counter() - started) / calls


def _floats(gradients: Arrays) -> Arrays:
    return [gradient for gradient in gradients if gradient is not None]


def _filled(shape: Any, *, drop: int = 0) -> Any:
    """Small random floats, zeros for integers, a key for keys; without the first `drop` dims."""
    sizes = tuple(shape.shape[drop:])
    if is_key(shape):
        return jnp.broadcast_to(jax.random.key(0), sizes)
    if not is_float(shape):
        return jnp.zeros(sizes, shape.dtype)
    return jax.random.normal(jax.random.key(0), sizes, shape.dtype) / 8
