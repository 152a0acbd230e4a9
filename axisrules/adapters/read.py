"""A program from a model, a loss and a batch: everything by abstract evaluation."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from axisrules.adapters.batch import read_batch
from axisrules.adapters.factory import check_model
from axisrules.adapters.failure import user_failure
from axisrules.adapters.flax_constraints import noticing_flax_constraints
from axisrules.adapters.linen import read_linen
from axisrules.adapters.nnx import read_nnx
from axisrules.adapters.optimizer import name_optimizer_state
from axisrules.adapters.program import Loss, Program, Shapes
from axisrules.adapters.reading import Reading
from axisrules.adapters.record import Recorder, recording
from axisrules.diagnostics import AxisRulesError, catalog, raise_errors


def read_program(
    model: Any,
    loss: Loss,
    batch: Any,
    *,
    optimizer: optax.GradientTransformation | None = None,
    batch_axes: Any = None,
) -> Program:
    """The program of `model` trained on `batch` with `loss`; no parameter is ever allocated.

    `model` is a linen module, or for nnx a function of `nnx.Rngs` that gives a module. `loss(model,
    batch)` gives a scalar, or a scalar and a dict of metrics; the way it calls the model is the way the
    model is initialised. `batch` is a tree of arrays or jax.ShapeDtypeStructs; `batch_axes` is the same
    tree with "batch seq" in place of each array, and by default names dim 0 "batch".

    Raises AxisRulesError: AXR309 for what is no model, AXR311 for a model or loss that fails when it is
    traced, AXR312 for a loss without a scalar, AXR306 for an annotation that names no logical axes,
    AXR308 for trees too deep or holding themselves, AXR502 for a batch that is none. Warns (AXR313) of
    activations that the model constrains through Flax.
    """
    check_model(model)
    shapes, axes = read_batch(batch, batch_axes)
    recorder = Recorder()
    reading, has_metrics = _read(model, loss, shapes, recorder)
    opt_state, opt_axes = None, None
    if optimizer:
        opt_state, opt_axes = name_optimizer_state(optimizer, reading.params, reading.param_axes)
    return Program(
        api=reading.api,
        params=reading.params,
        rest=reading.rest,
        batch=shapes,
        param_axes=reading.param_axes,
        rest_axes=reading.rest_axes,
        batch_axes=axes,
        rest_kinds=reading.rest_kinds,
        activations=recorder.activations,
        loss=loss,
        has_metrics=has_metrics,
        init=reading.init,
        bind=reading.bind,
        collect=reading.collect,
        optimizer=optimizer,
        opt_state=opt_state,
        opt_axes=opt_axes,
    )


def _read(model: Any, loss: Loss, batch: Shapes, recorder: Recorder) -> tuple[Reading, bool]:
    """What the model holds, and whether its loss gives metrics; `recorder` notes its activations."""
    with (
        noticing_flax_constraints(),
        recording(recorder),
        user_failure(catalog.UNTRACEABLE, "the model or its loss"),
    ):
        is_linen = isinstance(model, nn.Module)
        reading = read_linen(model, loss, batch) if is_linen else read_nnx(model)
        raise_errors(reading.findings)
        return reading, score(reading, loss, batch)


def score(reading: Reading, loss: Loss, batch: Shapes) -> bool:
    """Trace one call of the loss; whether it gives metrics beside the scalar. Raises AXR312."""
    key = jax.eval_shape(jax.random.key, 0)

    def scored(params: Any, rest: Any, key: jax.Array, batch: Any) -> Any:
        return loss(reading.bind(params, rest, key), batch)

    result = jax.eval_shape(scored, reading.params, reading.rest, key, batch)
    pair = isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict)
    scalar = result[0] if pair else result
    if not _is_float_scalar(scalar):
        why = f"loss(model, batch) gives {_described(result)}"
        fix = "return a float scalar such as jnp.mean(...), or (scalar, {name: value})"
        raise AxisRulesError([catalog.BAD_LOSS.at(why=why, fix=fix)])
    return pair


def _is_float_scalar(result: Any) -> bool:
    is_array = isinstance(result, jax.ShapeDtypeStruct)
    return is_array and result.shape == () and jnp.issubdtype(result.dtype, jnp.floating)


def _described(result: Any) -> str:
    if isinstance(result, jax.ShapeDtypeStruct):
        return f"{result.dtype}{list(result.shape)}"
    if isinstance(result, tuple):
        return f"({', '.join(_described(part) for part in result[:4])})"
    return type(result).__name__
