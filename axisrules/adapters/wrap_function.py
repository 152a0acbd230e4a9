"""A plain function of a pytree of parameters, read as a model: `(init, apply)`."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax

from axisrules.adapters.boundary import CALL, Boundaries
from axisrules.adapters.program import Model, path_of
from axisrules.adapters.reading import Reading, bare
from axisrules.adapters.record import recording
from axisrules.adapters.tree import check_tree

PlainModel = tuple[Callable[[jax.Array], Any], Callable[..., Any]]


def read_function(model: PlainModel) -> Reading:
    """What `init(key)` gives, with `apply(params, ...)` as the call that a loss makes."""
    init, apply = model
    params = jax.eval_shape(init, jax.eval_shape(jax.random.key, 0))
    check_tree(params, "the parameters")
    paths = [path_of(keys) for keys, _ in jax.tree_util.tree_flatten_with_path(params)[0]]

    def fresh(key: jax.Array) -> tuple[Any, Any]:
        with recording(None):
            return init(key), {}

    return Reading(
        api="function",
        params=bare(params),
        rest={},
        param_axes=dict.fromkeys(paths),
        rest_axes={},
        rest_kinds={},
        init=fresh,
        bind=lambda params, _rest, _key: partial(apply, params),
        collect=_nothing,
        findings=(),
    )


def attach_function(reading: Reading, boundaries: Boundaries) -> Reading:
    """The same function; it has no modules, so that the only boundary is what a call gives."""

    def bind(params: Any, rest: Any, key: jax.Array | None) -> Model:
        model = reading.bind(params, rest, key)
        return lambda *args, **kwargs: boundaries.cross("", CALL, lambda: model(*args, **kwargs))

    return replace(reading, bind=bind)


def _nothing(_model: Model) -> Any:
    return {}
