"""Wrapped models train alike under every table: loss and gradients against the bare model on one device.

python -m benchmarks.wrap_training [--again] [NAME ...]

A model that an earlier run has finished, with the same versions, is not run again without --again.
"""

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np
import optax

from axisrules import make_partitioner, parse_rules, use_virtual_devices, wrap
from axisrules.adapters import Wrapped
from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.rules import RuleTable, load_rules
from benchmarks.hlo import collectives
from benchmarks.report import Figure, publish
from benchmarks.resume import resumed
from benchmarks.zoo import Case, chosen_cases

LAYOUTS = (
    ("dp", "data=8"),
    ("fsdp", "fsdp=8"),
    ("tp", "data=2,tensor=4"),
    ("fsdp_tp", "fsdp=2,tensor=4"),
    ("context", "data=2,context=4"),
    ("pipeline", "data=4,stage=2"),
)
STEPS, RATE, TOLERANCE = 5, 0.05, 1e-6
WITHOUT_ALL_TO_ALL = ("hf_llama", "tunix_llama3")


def remembering() -> optax.GradientTransformation:
    """Plain gradient descent that keeps the last gradient in its state, for us to look at."""

    def update(grads: Any, _state: Any, _params: Any = None) -> tuple[Any, Any]:
        return jax.tree.map(lambda grad: -RATE * grad, grads), grads

    return optax.GradientTransformation(lambda params: jax.tree.map(jax.numpy.zeros_like, params), update)


def table_for(preset: str, case: Case) -> RuleTable:
    """The preset, and a rule for every name of the model that it does not know.

    Another `embed`, such as that of an image tower, is cut as `embed` is, where both do not meet in one
    array; the rest is replicated.
    """
    table = load_rules(preset)
    known = {rule.logical_axis for rule in table.rules}
    more = [name for name in case.names if name not in known]
    if not more:
        return table
    widths = {name: "fsdp" for name in more if name.endswith("_embed") and preset.startswith("fsdp")}
    kinds = {"kind": {"params": widths}, "policy": {"collision": "allow"}} if widths else {}
    return table | parse_rules({"rules": {name: [] for name in more}, **kinds})


def on_one_device(wrapped: Wrapped, state: Any, batch: Any) -> tuple[list[float], Any]:
    """The losses of the bare model, and its first gradient; `state` is where training starts."""
    reading, loss = wrapped.probe.reading, wrapped.program.loss

    def objective(params: Any, rest: Any, key: jax.Array, batch: Any) -> tuple[Any, Any]:
        model = reading.bind(params, rest, key)
        return loss(model, batch), reading.collect(model)

    step = jax.jit(jax.value_and_grad(objective, has_aux=True))
    params, rest, losses, first = state.params, state.rest, [], None
    for number in range(STEPS):
        key = jax.random.fold_in(state.key, number)
        (value, rest), grads = step(params, rest, key, batch)
        first = grads if first is None else first
        params = jax.tree.map(lambda param, grad: param - RATE * grad, params, grads)
        losses.append(float(value))
    return losses, first


def distance(found: Any, wanted: Any) -> float:
    """How far two trees are apart, relative to the norm of the second."""
    pairs = [
        (np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(found, wanted, strict=True)
    ]
    apart = sum(float(((a - b) ** 2).sum()) for a, b in pairs)
    return float(np.sqrt(apart / sum(float((b**2).sum()) for _, b in pairs)))


def layouts_of(case: Case, wrapped: Wrapped, batch: Any, reference: Any) -> Iterator[Figure]:
    """One model under every table; a pipeline wants equal layers in a row, and rows that do not meet."""
    for layout in LAYOUTS:
        try:
            yield from one_layout(case, wrapped, batch, layout, reference)
        except AxisRulesError as error:
            (found,) = error.diagnostics
            if found.code not in (catalog.NO_LAYER_LOOP.code, catalog.LOSS_NOT_SUM.code):
                raise
            print(f"  {case.name} {layout[0]}: {found.why}")


def one_layout(
    case: Case, wrapped: Wrapped, batch: Any, layout: tuple[str, str], reference: Any
) -> list[Figure]:
    """One model under one table, beside the same model on one device."""
    preset, mesh = layout
    start, losses, grads = reference
    partitioner = make_partitioner(wrapped.program, table_for(preset, case), mesh)
    state, placed = partitioner.move(start), partitioner.place(batch)
    step = partitioner.train_step(donate=False).lower(state, placed).compile()
    own_losses, own_grads = [], None
    for _ in range(STEPS):
        state, metrics = step(state, placed)
        own_grads = jax.tree.map(np.asarray, state.opt_state) if own_grads is None else own_grads
        own_losses.append(float(metrics["loss"]))
    name = f"{case.name} {preset}"
    apart = max(abs(a - b) / abs(b) for a, b in zip(own_losses, losses, strict=True))
    found = [
        Figure(f"{name}: losses apart", apart, at_most=TOLERANCE),
        Figure(
            f"{name}: first gradients apart",
            distance(jax.tree.leaves(own_grads), jax.tree.leaves(grads)),
            at_most=TOLERANCE,
        ),
    ]
    if preset == "fsdp":
        held = sum(leaf.addressable_shards[0].data.nbytes for leaf in jax.tree.leaves(state.params))
        whole = sum(leaf.nbytes for leaf in jax.tree.leaves(state.params))
        found.append(Figure(f"{name}: share of the parameters on a device", held / whole, at_most=0.20))
    if preset == "tp":
        moved = sum(n for (kind, *_), n in collectives(step.as_text()).items() if "all-to-all" in kind)
        limit = 0 if case.name in WITHOUT_ALL_TO_ALL else None
        found.append(Figure(f"{name}: all-to-alls in a step", moved, at_most=limit))
    return found


def one_model(case: Case) -> list[Figure]:
    """One model under every table."""
    model, loss, batch = case.make()
    paths = wrap(model, loss, batch, seeds={"batch": dict(case.batch)}).program.param_axes
    wrapped = wrap(model, loss, batch, seeds=case.seeds_for(paths), optimizer=remembering())
    alone = make_partitioner(wrapped.program, table_for("dp", case), "data=1", devices=jax.devices()[:1])
    start = alone.init(jax.random.key(0))
    reference = (start, *on_one_device(wrapped, start, batch))
    return list(layouts_of(case, wrapped, batch, reference))


def measure(names: list[str], *, again: bool) -> list[Figure]:
    """All models whose packages are installed, or those named."""
    chosen = chosen_cases(names)
    figures = []
    for number, case in enumerate(chosen, 1):
        print(f"{case.name}, {number} of {len(chosen)}", flush=True)
        own = resumed("wrap_training", case.name, partial(one_model, case), again=again)
        print(*own, sep="\n", flush=True)
        figures += own
    equal = {
        case.name
        for case in chosen
        if all(
            figure.is_kept
            for figure in figures
            if figure.name.startswith(f"{case.name} ") and "apart" in figure.name
        )
    }
    pipelined = sum(figure.name.endswith(" pipeline: losses apart") for figure in figures)
    least = min(10, len(chosen))
    return [
        Figure("models that train alike under all tables", len(equal), at_least=least),
        Figure("models whose layers a pipeline cuts", pipelined, at_least=least),
        *figures,
    ]


if __name__ == "__main__":
    use_virtual_devices(8)
    names = [argument for argument in sys.argv[1:] if argument != "--again"]
    sys.exit(publish("wrap_training", measure(names, again="--again" in sys.argv)))
