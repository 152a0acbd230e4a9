"""Reads a linen module: its variables as nested dicts, their boxes as logical axes."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.core import DenyList, meta, unfreeze

from axisrules.adapters.program import Loss, Model, Shapes, path_of
from axisrules.adapters.reading import Reading, bare, read_annotation
from axisrules.adapters.record import recording
from axisrules.adapters.tree import check_tree
from axisrules.axes import AxisNames
from axisrules.diagnostics import Diagnostic
from axisrules.rules import Kind

PARAMS, CACHE = "params", "cache"


def read_linen(module: nn.Module, loss: Loss, batch: Shapes) -> Reading:
    """What `module` holds when `loss(module, batch)` has called it once; nothing is allocated.

    A collection whose arrays change in number or shape from call to call, as sown values do, is
    no state and is left out.
    """
    model = _Linen(module, loss, batch)
    findings: list[Diagnostic] = []
    key = jax.eval_shape(jax.random.key, 0)
    boxed = jax.eval_shape(model.init_boxed, key)
    axes = _axes_by_path(boxed, findings)
    shapes = bare(_unboxed(boxed))
    model = replace(model, carried=tuple(name for name in shapes if name != PARAMS))
    params = shapes.get(PARAMS, {})
    after = bare(jax.eval_shape(model.called, params, model.pick(shapes), key))
    model = replace(model, carried=tuple(name for name in model.carried if after[name] == shapes[name]))
    return Reading(
        api="linen",
        params=params,
        rest=model.pick(shapes),
        param_axes={path: names for (name, path), names in axes.items() if name == PARAMS},
        rest_axes={f"{name}/{path}": names for (name, path), names in axes.items() if name in model.carried},
        rest_kinds={f"{name}/{path}": _kind(name) for name, path in axes if name in model.carried},
        init=model.init,
        bind=model.bind,
        collect=model.collect,
        findings=tuple(findings),
    )


@dataclass(frozen=True, eq=False)
class _Linen:
    """A module and the call that its loss makes; `carried` are the collections of `rest`."""

    module: nn.Module
    loss: Loss
    batch: Shapes
    carried: tuple[str, ...] = ()

    def init_boxed(self, key: jax.Array) -> Any:
        """Every variable after the loss has called the module on a batch of zeros, boxes and all."""

        def call(module: nn.Module, batch: Any) -> Any:
            return self.loss(module, batch)

        variables = unfreeze(self.module.init(_streams(key), _zeros(self.batch), method=call))
        check_tree(variables, "the module's variables")
        return variables

    def init(self, key: jax.Array) -> tuple[Any, Any]:
        """Fresh (params, rest); constraints do nothing, since only the variables are kept."""
        with recording(None):
            variables = _unboxed(self.init_boxed(key))
        return variables.get(PARAMS, {}), self.pick(variables)

    def bind(self, params: Any, rest: Any, key: jax.Array | None) -> Model:
        """The module with these arrays, as a loss calls it; without a key it has no random streams."""
        rngs = {} if key is None else _streams(key)
        return self.module.bind({PARAMS: params, **rest}, rngs=rngs, mutable=DenyList(PARAMS))

    def collect(self, model: Model) -> Any:
        """The variables but the parameters, as they are after the module has been called."""
        return self.pick(_unboxed(unfreeze(model.variables)))

    def called(self, params: Any, rest: Any, key: jax.Array) -> Any:
        """`rest` after one call of the loss."""
        model = self.bind(params, rest, key)
        # A loss that expects one sown value stumbles over the one from init. Any other fault is still
        # there when the loss is traced on what is carried.
        with suppress(Exception):
            self.loss(model, _zeros(self.batch))
        return self.collect(model)

    def pick(self, variables: Any) -> Any:
        return {name: variables.get(name) for name in self.carried}


def _zeros(shapes: Shapes) -> Any:
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def _streams(key: jax.Array) -> dict[str, jax.Array]:
    """Keys for the random streams; linen takes "params" for every stream that has no key."""
    return {"params": key, "dropout": jax.random.fold_in(key, 1)}


def _is_box(leaf: object) -> bool:
    return isinstance(leaf, meta.AxisMetadata)


def _unboxed(tree: Any) -> Any:
    """The raw values: a box's own `unbox` would constrain them by its names, as mesh axes."""
    return jax.tree.map(_value, tree, is_leaf=_is_box)


def _value(leaf: Any) -> Any:
    if not _is_box(leaf):
        return leaf
    return _unboxed(leaf.value if isinstance(leaf, meta.Partitioned) else leaf.unbox())


def _axes_by_path(boxed: Any, findings: list[Diagnostic]) -> dict[tuple[str, str], AxisNames | None]:
    """The logical axes of every array, by collection and path within it."""
    axes = {}
    for keys, leaf in jax.tree_util.tree_flatten_with_path(boxed, is_leaf=_is_box)[0]:
        annotation = getattr(leaf, "names", None) if _is_box(leaf) else None
        names = read_annotation(annotation, path_of(keys), findings)
        for inner, _ in jax.tree_util.tree_flatten_with_path(_value(leaf))[0]:
            axes[keys[0].key, path_of((*keys[1:], *inner))] = names
    return axes


def _kind(collection: str) -> Kind:
    return "cache" if collection == CACHE else "params"
