"""Training written by hand in plain JAX, Flax and optax: the referee of the benchmarks."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from axisrules.models import next_token_loss

State = dict[str, Any]
Step = Callable[[State, Any], tuple[State, dict[str, jax.Array]]]


def plain_init(model: nn.Module, optimizer: optax.GradientTransformation, tokens: jax.Array) -> Any:
    """A function from a key to the state at step 0."""

    def init(key: jax.Array) -> State:
        params = nn.unbox(model.init(key, tokens)["params"])
        return {"step": jnp.int32(0), "key": key, "params": params, "opt_state": optimizer.init(params)}

    return init


def plain_step(model: nn.Module, optimizer: optax.GradientTransformation) -> Step:
    """A function from (state, batch) to the state after one step and the loss before it."""

    def step(state: State, batch: Any) -> tuple[State, dict[str, jax.Array]]:
        def objective(params: Any) -> jax.Array:
            return next_token_loss(partial(model.apply, {"params": params}), batch)

        loss, grads = jax.value_and_grad(objective)(state["params"])
        updates, opt_state = optimizer.update(grads, state["opt_state"], state["params"])
        params = optax.apply_updates(state["params"], updates)
        after = {"step": state["step"] + 1, "key": state["key"], "params": params, "opt_state": opt_state}
        return after, {"loss": loss}

    return step
