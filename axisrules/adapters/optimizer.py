"""Names for optimizer state, inferred from what the optimizer computes.

The jaxpr of `update` makes every array of the state an array of the parameters' axes: moments are averaged
with gradients, Adafactor's factors with their means. What inference leaves open goes by path and shape.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from axisrules.adapters.optimizer_paths import match_state_paths
from axisrules.adapters.program import AxesByPath, Shapes
from axisrules.axes import AxisNames
from axisrules.infer import NamedArray, Place, Seed, Traced, infer, places_of


def name_optimizer_state(
    optimizer: optax.GradientTransformation, params: Shapes, param_axes: AxesByPath
) -> tuple[Shapes, AxesByPath]:
    """The shapes of `optimizer.init(params)` and the logical axes of each, by path.

    An array that belongs to no parameter, or whose dims cannot be told apart, gets None.
    """
    state = jax.eval_shape(optimizer.init, params)
    matched = match_state_paths(optimizer, params, param_axes)
    inferred = infer_state_axes(optimizer, params, state, param_axes)
    return state, {path: _agreed(inferred.get(path), names) for path, names in matched.items()}


def _agreed(inferred: AxisNames | None, matched: AxisNames | None) -> AxisNames | None:
    """What the computation says; where it says nothing of an array, what its path and shape say."""
    if inferred is None or (matched is not None and not any(inferred)):
        return matched
    return inferred


def infer_state_axes(
    optimizer: optax.GradientTransformation, params: Shapes, state: Shapes, param_axes: AxesByPath
) -> AxesByPath:
    """Axes of `state` that follow from one step of `optimizer`; nothing where it cannot be traced alone.

    An array of which no dim follows gets None.
    """
    traced = _trace_update(optimizer, params, state)
    if traced is None:
        return {}
    seeds = [Seed("params", path, names) for path, names in param_axes.items() if names is not None]
    found = infer(traced, seeds, roles=False, templates=False).of_kind("state")
    return {path: _sure(array) for path, array in found.items()}


def _sure(array: NamedArray) -> AxisNames | None:
    names = array.sure_names
    is_placeholder = all(size == 1 for size in array.shape)
    return names if any(names) or is_placeholder else None


def _trace_update(optimizer: optax.GradientTransformation, params: Shapes, state: Shapes) -> Traced | None:
    """One step: gradients and updates have the parameters' axes, the state keeps its own."""
    for extra_arguments in _EXTRA_ARGUMENTS:
        try:
            jaxpr, result = jax.make_jaxpr(_step(optimizer, extra_arguments), return_shape=True)(
                params, state, params
            )
        except Exception:  # noqa: BLE001, S112 - an optimizer that wants other arguments fails in its own way
            continue
        return _traced(jaxpr, params, state, result)
    return None


def _step(optimizer: Any, extra_arguments: Callable[[Any], dict[str, Any]]) -> Callable[..., tuple[Any, Any]]:
    def step(grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        updates, new_state = optimizer.update(grads, state, params, **extra_arguments(grads))
        return updates, new_state

    return step


def _traced(jaxpr: Any, params: Shapes, state: Shapes, result: tuple[Shapes, Shapes]) -> Traced:
    inputs = [*places_of("grads", params), *places_of("state", state), *places_of("params", params)]
    outputs = [*places_of("updates", result[0]), *places_of("new_state", result[1])]
    known = dict.fromkeys((*inputs, *outputs))
    ties = [
        (place, twin)
        for place in known
        for kind, twin_kind in (("params", "grads"), ("params", "updates"), ("state", "new_state"))
        if place.kind == kind and (twin := Place(twin_kind, place.path)) in known
    ]
    return Traced(jaxpr, tuple(inputs), tuple(outputs), tuple(ties))


def _sum_of_squares(params: Any, *_: Any) -> Any:
    """A loss that says nothing of how dims belong together."""
    return sum(jnp.sum(leaf * leaf) for leaf in jax.tree.leaves(params))


# What optimizers of optax ask for besides gradients, state and parameters.
_EXTRA_ARGUMENTS: tuple[Callable[[Any], dict[str, Any]], ...] = (
    lambda _: {},
    lambda _: {"value": jnp.zeros(())},
    lambda grads: {"value": jnp.zeros(()), "grad": grads, "value_fn": _sum_of_squares},
    lambda _: {"loss": jnp.zeros(())},
    lambda _: {"obj_fn": _sum_of_squares},
    lambda _: {"grad_fn": jax.grad(_sum_of_squares)},
)
