"""Gradients summed over parts of a batch, one after the other, and reduced over data once at the end."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AbstractMesh, Mesh, PartitionSpec, get_abstract_mesh

from axisrules.memory.loss_form import check_loss
from axisrules.rules import Accumulate

# (params, rest, batch, key) -> (loss, (metrics, rest))
Objective = Callable[[Any, Any, Any, jax.Array], tuple[Any, tuple[dict[str, Any], Any]]]
# The same with the gradient by `params`: ((loss, (metrics, rest)), grads).
Gradient = Callable[[Any, Any, Any, jax.Array], tuple[tuple[Any, tuple[dict[str, Any], Any]], Any]]


@dataclass(frozen=True)
class BatchCut:
    """Which dim of every array of a batch has the rows, by the order of the leaves; None for no dim.

    `mesh_axes` cut the rows and no parameter: over them every device sums up its own gradients, and
    they are reduced at the end, once. Over other mesh axes XLA reduces as it sees fit.
    """

    row_dims: tuple[int | None, ...]
    mesh_axes: tuple[str, ...] = ()
    devices: int = 1

    def specs(self, batch: Any) -> Any:
        """How `mesh_axes` cut `batch`."""

        def spec(dim: int | None) -> PartitionSpec:
            return PartitionSpec() if dim is None else PartitionSpec(*[None] * dim, self.mesh_axes)

        return jax.tree.unflatten(jax.tree.structure(batch), map(spec, self.row_dims))

    def in_parts(self, batch: Any, count: int) -> tuple[Any, Callable[[Any], Any]]:
        """The arrays that are cut, with a leading dim of `count` parts; and how one part becomes a batch.

        Part i has rows i, i + count, ...: so that no row leaves the device that has it.
        """
        leaves, structure = jax.tree.flatten(batch)
        pairs = list(zip(leaves, self.row_dims, strict=True))
        cut = [_strided(leaf, dim, count) for leaf, dim in pairs if dim is not None]

        def whole(part: Sequence[Any]) -> Any:
            parts = iter(part)
            return jax.tree.unflatten(
                structure, [leaf if dim is None else next(parts) for leaf, dim in pairs]
            )

        return cut, whole


def accumulated(
    objective: Objective,
    gradient: Gradient,
    wanted: Accumulate,
    cut: BatchCut,
    mesh: Mesh | AbstractMesh | None = None,
) -> Gradient:
    """`gradient`, computed part by part: equal to that of the whole batch up to rounding in float32.

    Memory for activations is that of one part. A mean over tokens comes out as the whole batch's,
    since every part counts by its weight. Random keys differ between the parts, and between devices that
    have different rows. Metrics that are floats are averaged like the loss, whole numbers and the weight
    itself are summed; of what else the model carries along, floats are averaged over devices. `mesh` has
    the mesh axes of `cut`, where none is set.

    Raises AxisRulesError when traced: AXR774 for a loss of another form than `wanted.loss`, AXR775 for a
    weight that the loss does not tell.
    """

    def whole_batch(params: Any, rest: Any, batch: Any, key: jax.Array) -> Any:
        check_loss(objective, (params, rest, batch, key), wanted, _one_part(batch, wanted, cut))
        local: Gradient = _Summing(gradient, wanted, cut)
        if cut.mesh_axes:
            local = jax.shard_map(
                local,
                # A mesh that is set already goes before one that is given, and must not be given again.
                mesh=mesh if get_abstract_mesh().empty else None,
                in_specs=(PartitionSpec(), PartitionSpec(), cut.specs(batch), PartitionSpec()),
                out_specs=PartitionSpec(),
                axis_names=set(cut.mesh_axes),
            )
        return local(params, rest, batch, key)

    return whole_batch


def _one_part(batch: Any, wanted: Accumulate, cut: BatchCut) -> Any:
    """The shapes of one part of `batch`, over all devices."""
    leaves, structure = jax.tree.flatten(batch)
    shapes = []
    for leaf, dim in zip(leaves, cut.row_dims, strict=True):
        shape = list(leaf.shape)
        if dim is not None:
            shape[dim] //= wanted.microbatches
        shapes.append(jax.ShapeDtypeStruct(tuple(shape), leaf.dtype))
    return jax.tree.unflatten(structure, shapes)


def _strided(leaf: Any, dim: int, count: int) -> Any:
    shape = leaf.shape
    rows = jnp.reshape(leaf, (*shape[:dim], shape[dim] // count, count, *shape[dim + 1 :]))
    return jnp.moveaxis(rows, dim + 1, 0)


@dataclass(frozen=True)
class _Summing:
    """One device's rows, part by part, and what all devices make of them together."""

    gradient: Gradient
    wanted: Accumulate
    cut: BatchCut

    def __call__(self, params: Any, rest: Any, batch: Any, key: jax.Array) -> Any:
        axes, count = self.cut.mesh_axes, self.wanted.microbatches
        # Without this the gradient of a parameter that all devices share would be reduced in every part.
        shared, start = _varying(params, axes), _started(rest, axes)
        parts, whole = self.cut.in_parts(batch, count)

        def add(carry: tuple[Any, Any], part: tuple[Any, jax.Array]) -> Any:
            sums, rest = carry
            rows, key = part
            (loss, (metrics, after)), grads = self.gradient(shared, rest, whole(rows), key)
            weight = jnp.float32(metrics[self.wanted.weight] if self.wanted.weight else 1)
            sums = jax.tree.map(lambda total, grad: total + _weighted(weight, grad), sums, grads)
            return (sums, _like(after, rest)), (weight, {**metrics, "loss": loss})

        zeros = jax.tree.map(lambda param: jnp.zeros_like(param, dtype=jnp.float32), shared)
        keys = jax.random.split(_own_key(key, axes), count)
        (sums, after), (weights, scalars) = jax.lax.scan(add, (_varying(zeros, axes), start), (parts, keys))
        return _settled(self.wanted, self.cut, (params, rest), (sums, after, weights, scalars))


def _settled(wanted: Accumulate, cut: BatchCut, before: Any, found: Any) -> Any:
    """Loss, metrics, what is carried along and gradients, alike on every device."""
    params, rest = before
    sums, after, weights, scalars = found
    added, averaged = {}, {}
    for name, values in scalars.items():
        is_mean = jnp.issubdtype(values.dtype, jnp.floating) and name != wanted.weight
        if is_mean and not (name == "loss" and wanted.loss == "sum"):
            averaged[name] = jnp.sum(jax.vmap(_weighted)(weights, values), axis=0)
        else:
            added[name] = jnp.sum(values, axis=0)
    floats = [leaf for leaf in jax.tree.leaves(after) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    total = jnp.sum(weights)
    if cut.mesh_axes:
        everything = _varying((sums, averaged, added, floats, total), cut.mesh_axes)
        sums, averaged, added, floats, total = jax.lax.psum(everything, cut.mesh_axes)
    divisor = total if wanted.loss == "mean" else 1
    grads = jax.tree.map(lambda param, grad: (grad / divisor).astype(param.dtype), params, sums)
    means = {name: value / total for name, value in averaged.items()}
    metrics = {name: (means | added)[name].astype(scalars[name].dtype) for name in scalars}
    carried = _carried(rest, after, iter(floats), cut)
    return (metrics.pop("loss"), (metrics, carried)), grads


def _weighted(weight: jax.Array, value: jax.Array) -> jax.Array:
    """`weight` times `value` in float32; a part without a token counts for nothing, even where it is NaN."""
    return jnp.where(weight == 0, 0.0, weight * value.astype(jnp.float32))


def _carried(rest: Any, after: Any, floats: Iterator[Any], cut: BatchCut) -> Any:
    """What the model carries along: floats averaged, keys as they were, the rest the same everywhere."""

    def one(before: Any, leaf: Any) -> Any:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return before
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            return (next(floats) / cut.devices).astype(leaf.dtype)
        varying = tuple(_axes_of(leaf))
        return jax.lax.pmax(leaf, varying) if varying else leaf

    return jax.tree.map(one, rest, after)


def _started(rest: Any, axes: tuple[str, ...]) -> Any:
    """`rest` as the first part finds it: random streams apart on devices that have rows apart."""

    def one(leaf: Any) -> Any:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return _own_key(leaf, axes)
        return _varying(leaf, axes) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(one, rest)


def _own_key(key: jax.Array, axes: tuple[str, ...]) -> jax.Array:
    if not axes:
        return key
    place = jax.lax.axis_index(axes)
    if not key.ndim:
        return jax.random.fold_in(key, place)
    folded = jax.vmap(jax.random.fold_in, in_axes=(0, None))(key.reshape(-1), place)
    return folded.reshape(key.shape)


def _like(after: Any, before: Any) -> Any:
    """`after` as a loop may carry it on: over as many mesh axes as `before`."""
    return jax.tree.map(lambda new, old: _varying(new, tuple(_axes_of(old))), after, before)


def _varying(tree: Any, axes: tuple[str, ...]) -> Any:
    """`tree` as values that may differ along the Manual mesh axes `axes`."""

    def one(leaf: Any) -> Any:
        missing = tuple(axis for axis in axes if axis not in _axes_of(leaf))
        return jax.lax.pcast(leaf, missing, to="varying") if missing else leaf

    return jax.tree.map(one, tree)


def _axes_of(leaf: Any) -> frozenset[str]:
    return frozenset(jax.typeof(leaf).manual_axis_type.varying)
