"""The functions that a partitioner jits: training and evaluation, free of any layout."""

from collections.abc import Callable
from typing import Any

import jax
import optax

from axisrules.adapters import Loss, Program
from axisrules.memory import Gradient
from axisrules.partition.state import TrainState

Metrics = dict[str, Any]
PinGradients = Callable[[Any], Any]


def initial_state(program: Program, key: jax.Array) -> TrainState:
    """The state at step 0; the model sees `key` itself, as in an unsharded init."""
    params, rest = program.init(key)
    opt_state = program.optimizer.init(params) if program.optimizer else None
    return TrainState(jax.numpy.zeros((), "int32"), jax.random.fold_in(key, 1), params, rest, opt_state)


def objective(program: Program, params: Any, rest: Any, batch: Any, key: jax.Array) -> Any:
    """The loss of one batch, and beside it the metrics and what the model carries along afterwards."""
    model = program.bind(params, rest, key)
    loss, metrics = _scored(program, program.loss, model, batch)
    return loss, (metrics, program.collect(model))


def train_step(
    program: Program, gradient: Gradient, pin_gradients: PinGradients, state: TrainState, batch: Any
) -> Any:
    """The state after one optimizer step on `batch`, and the metrics before it.

    `gradient` is that of `objective`, however it is computed; `pin_gradients` lays out the gradients
    where they are to lie unlike their parameters.
    """
    assert program.optimizer is not None, "the partitioner checks this"
    key = jax.random.fold_in(state.key, state.step)
    (loss, (metrics, rest)), grads = gradient(state.params, state.rest, batch, key)
    grads = pin_gradients(grads)

    def value_fn(params: Any) -> Any:
        return objective(program, params, state.rest, batch, key)[0]

    # Line searches want these three; other transformations never see them.
    search = {"value": loss, "grad": grads, "value_fn": value_fn}
    update = optax.with_extra_args_support(program.optimizer).update
    updates, opt_state = update(grads, state.opt_state, state.params, **search)
    params = optax.apply_updates(state.params, updates)
    return TrainState(state.step + 1, state.key, params, rest, opt_state), {"loss": loss, **metrics}


def eval_step(
    program: Program, fn: Loss | None, scorer: Callable[..., Any] | None, state: TrainState, batch: Any
) -> Any:
    """`fn(model, batch)`, or the metrics of the program's own loss; the state stays as it is.

    `scorer` computes these metrics from (params, rest, batch) where a table wants them computed its way.
    """
    if fn is None and scorer is not None:
        return scorer(state.params, state.rest, batch)
    model = program.bind(state.params, state.rest, None)
    if fn is not None:
        return fn(model, batch)
    loss, metrics = _scored(program, program.loss, model, batch)
    return {"loss": loss, **metrics}


def _scored(program: Program, loss: Loss, model: Any, batch: Any) -> tuple[Any, Metrics]:
    result = loss(model, batch)
    return result if program.has_metrics else (result, {})
