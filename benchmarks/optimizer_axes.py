"""Axes of optimizer state for 38 transformations of optax, judged by permuting the parameters.

python -m benchmarks.optimizer_axes

The judge knows no names: it runs three steps of every optimizer on numbers, and again with one dim of one
parameter, and of its gradients, in another order. A dim of the state belongs to the parameter's dim where,
and only where, its entries come back in that order.
"""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from axisrules import use_virtual_devices
from axisrules.adapters import name_optimizer_state, path_of
from axisrules.axes import AxisNames
from benchmarks.report import Figure, publish

SHAPES = {
    "mlp": {"kernel": (12, 20), "bias": (20,)},
    "attention": {"query": (12, 4, 6)},
    "square": (10, 10),
    "scale": (12,),
}
AXES: dict[str, AxisNames] = {
    "mlp/kernel": ("kernel_in", "kernel_out"),
    "mlp/bias": ("bias_out",),
    "attention/query": ("query_in", "heads", "head_dim"),
    "square": ("square_in", "square_out"),
    "scale": ("scale_in",),
}
KEPT = {"mlp": {"kernel": True, "bias": False}, "attention": {"query": True}, "square": False, "scale": True}
GROUPS = {"mlp": {"kernel": "a", "bias": "b"}, "attention": {"query": "a"}, "square": "b", "scale": "a"}


def _factored(**options: Any) -> optax.GradientTransformation:
    return optax.adafactor(1e-3, min_dim_size_to_factor=4, **options)


OPTIMIZERS: dict[str, optax.GradientTransformation] = {
    "acprop": optax.contrib.acprop(1e-3),
    "adabelief": optax.adabelief(1e-3),
    "adadelta": optax.adadelta(1e-3),
    "adafactor": _factored(),
    "adafactor with momentum": _factored(momentum=0.9),
    "adagrad": optax.adagrad(1e-3),
    "adam": optax.adam(1e-3),
    "adamax": optax.adamax(1e-3),
    "adamw": optax.adamw(1e-3),
    "adan": optax.adan(1e-3),
    "ademamix": optax.contrib.ademamix(1e-3),
    "adopt": optax.contrib.adopt(1e-3),
    "amsgrad": optax.amsgrad(1e-3),
    "apply_if_finite": optax.apply_if_finite(optax.adam(1e-3), 3),
    "chain": optax.chain(optax.clip_by_global_norm(1.0), optax.ema(0.9), optax.adamw(1e-3)),
    "cocob": optax.contrib.cocob(1e-3),
    "dadapt_adamw": optax.contrib.dadapt_adamw(1e-3),
    "inject_hyperparams": optax.inject_hyperparams(optax.adamw)(learning_rate=1e-3),
    "lamb": optax.lamb(1e-3),
    "lars": optax.lars(1e-3),
    "lbfgs": optax.lbfgs(1e-3, memory_size=3),
    "lion": optax.lion(1e-3),
    "madgrad": optax.contrib.madgrad(1e-3),
    "masked": optax.masked(optax.adam(1e-3), KEPT),
    "mechanize": optax.contrib.mechanize(optax.adam(1e-3)),
    "multi_steps": optax.MultiSteps(optax.adam(1e-3), 2).gradient_transformation(),
    "multi_transform": optax.multi_transform({"a": _factored(), "b": optax.adam(1e-3)}, GROUPS),
    "muon": optax.contrib.muon(1e-3),
    "nadam": optax.nadam(1e-3),
    "novograd": optax.novograd(1e-3),
    "prodigy": optax.contrib.prodigy(1e-3),
    "radam": optax.radam(1e-3),
    "rmsprop": optax.rmsprop(1e-3, centered=True, momentum=0.9),
    "rprop": optax.rprop(1e-3),
    "schedule_free": optax.contrib.schedule_free_adamw(1e-3),
    "sgd": optax.sgd(1e-3, momentum=0.9, nesterov=True),
    "sm3": optax.sm3(1e-3),
    "yogi": optax.yogi(1e-3),
}
COMPLETE = ("adafactor", "sm3", "lbfgs", "masked", "muon", "multi_transform")
Arrays = dict[str, np.ndarray]


def main() -> int:
    """Judge every optimizer and publish the counts."""
    counts = dict.fromkeys(("arrays", "right", "wrong", "untold"), 0)
    incomplete: list[str] = []
    seconds = 0.0
    for name, optimizer in OPTIMIZERS.items():
        started = time.perf_counter()
        _, axes = name_optimizer_state(optimizer, _shapes(), dict(AXES))
        seconds = max(seconds, time.perf_counter() - started)
        for path, truth in judge(optimizer).items():
            verdict = _verdict(axes[path], truth)
            counts["arrays"] += 1
            counts[verdict] += 1
            if verdict != "right":
                print(f"  {name}: {path} is {axes[path]}, the judge says {truth}")
                incomplete.append(name)
    complete = sum(name not in incomplete for name in COMPLETE)
    return publish(
        "optimizer_axes",
        [
            Figure("optax transformations", len(OPTIMIZERS), at_least=35),
            Figure("arrays of state that the judge can tell", counts["arrays"]),
            Figure("arrays with a wrong axis", counts["wrong"], at_most=0),
            Figure("arrays named in full", counts["right"] / counts["arrays"], at_least=0.97),
            Figure(
                "complete among adafactor, sm3, lbfgs, masked, muon, multi_transform", complete, at_least=6
            ),
            Figure("slowest naming, tracing included", seconds, "s"),
        ],
    )


def _verdict(names: AxisNames | None, truth: AxisNames) -> str:
    names = names or (None,) * len(truth)
    if any(name is not None and name != true for name, true in zip(names, truth, strict=True)):
        return "wrong"
    return "right" if names == truth else "untold"


def judge(optimizer: optax.GradientTransformation) -> dict[str, AxisNames]:
    """For every array of state that moves with some parameter: which dim of which parameter each dim is."""
    run = jax.jit(lambda params, grads: _run(optimizer, params, grads))
    params, grads = _numbers(0), _numbers(1)
    base = _by_path(run(params, grads))
    truths: dict[str, list[Any]] = {}
    for path, dim, order in _orders():
        moved = _by_path(run(_reorder(params, path, dim, order), _reorder(grads, path, dim, order)))
        for at, values in base.items():
            for state_dim in _dims_that_follow(values, moved[at], order):
                names = truths.setdefault(at, [None] * values.ndim)
                names[state_dim] = AXES[path][dim]
    return {path: tuple(names) for path, names in truths.items()}


def _run(optimizer: Any, params: Any, grads: Any) -> Any:
    state = optimizer.init(params)
    for step in (1.0, 0.9, 0.8):
        scaled = jax.tree.map(lambda grad, step=step: step * grad, grads)
        extra = {"value": _loss(params), "grad": scaled, "value_fn": _loss}
        try:
            updates, state = optimizer.update(scaled, state, params, **extra)
        except TypeError:  # plain transformations take no more
            updates, state = optimizer.update(scaled, state, params)
        params = optax.apply_updates(params, updates)
    return state


def _loss(params: Any) -> Any:
    return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(params))


def _dims_that_follow(before: np.ndarray, after: np.ndarray, order: np.ndarray) -> Iterator[int]:
    if _near(before, after):
        return
    for dim, size in enumerate(before.shape):
        if size == len(order) and _near(np.take(before, order, dim), after):
            yield dim


def _near(first: np.ndarray, second: np.ndarray) -> bool:
    scale = float(np.max(np.abs(first), initial=0.0))
    return bool(np.allclose(first, second, rtol=1e-3, atol=1e-4 * scale, equal_nan=True))


def _orders() -> Iterator[tuple[str, int, np.ndarray]]:
    for path, names in AXES.items():
        shape = _by_path(_numbers(0))[path].shape
        for dim in range(len(names)):
            yield path, dim, np.roll(np.arange(shape[dim]), 1)


def _reorder(tree: Any, path: str, dim: int, order: np.ndarray) -> Any:
    return jax.tree_util.tree_map_with_path(
        lambda keys, leaf: jnp.take(leaf, order, dim) if path_of(keys) == path else leaf, tree
    )


def _by_path(tree: Any) -> Arrays:
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {path_of(keys): np.asarray(leaf, np.float64) for keys, leaf in flat if _is_number(leaf)}


def _is_number(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.number)


def _numbers(seed: int) -> Any:
    draws = np.random.default_rng(seed)
    return _map_shapes(lambda shape: jnp.asarray(draws.normal(size=shape), jnp.float32))


def _shapes() -> Any:
    return _map_shapes(lambda shape: jax.ShapeDtypeStruct(shape, jnp.float32))


def _map_shapes(make: Callable[[tuple[int, ...]], Any]) -> Any:
    return jax.tree.map(make, SHAPES, is_leaf=lambda node: isinstance(node, tuple))


if __name__ == "__main__":
    use_virtual_devices(1)
    sys.exit(main())
