"""Random networks whose every axis has a name from the start: the referee of inference."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from hypothesis import strategies as st

# Sizes repeat on purpose: inference must never go by them.
SIZES = {"a": 4, "b": 4, "c": 6, "d": 6, "e": 4, "f": 12}
OPERATIONS = ("einsum", "add", "transpose", "reduce", "merge", "scan", "jit", "gelu")


@dataclass(frozen=True)
class Network:
    """A function of parameters and an input, with the true names of all that goes in and comes out."""

    params: dict[str, str]
    inputs: str
    outputs: str
    steps: tuple[tuple[str, str, str], ...]  # operation, parameter, names of the result

    def shapes(self) -> dict[str, jax.ShapeDtypeStruct]:
        """The parameters' shapes."""
        return {path: _shape(names) for path, names in self.params.items()}

    def input_shape(self) -> jax.ShapeDtypeStruct:
        """The input's shape."""
        return _shape(self.inputs)

    def function(self) -> Callable[..., jax.Array]:
        """The network itself."""
        return self._run

    def _run(self, params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        names = self.inputs
        for operation, path, after in self.steps:
            x = _apply(operation, (x, names), params.get(path), self.params.get(path, ""), after)
            names = after
        return x


def _shape(names: str) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(tuple(SIZES[name] for name in names), jnp.float32)


def _apply(operation, named, param, param_names, after):
    x, names = named
    if operation in ("einsum", "add"):
        if operation == "add":
            spread = tuple(SIZES[name] if name in param_names else 1 for name in names)
            order = [param_names.index(name) for name in names if name in param_names]
            return x + jnp.transpose(param, order).reshape(spread)
        return jnp.einsum(f"{names},{param_names}->{after}", x, param)
    if operation == "transpose":
        return jnp.transpose(x, [names.index(name) for name in after])
    if operation == "reduce":
        return x.sum(tuple(dim for dim, name in enumerate(names) if name not in after))
    if operation == "merge":
        return jnp.tanh(x.reshape(-1, x.shape[-1])).reshape(x.shape)
    if operation == "scan":
        return jax.lax.scan(lambda carry, row: (carry + row.sum(), row * carry), 0.0, x)[1]
    return jax.jit(jnp.sin)(x) if operation == "jit" else jax.nn.gelu(x)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A few steps, each on the result of the last; no array has a name twice."""
    names = inputs = "".join(draw(st.permutations("abcdef"))[:3])
    params: dict[str, str] = {}
    steps = []
    for number in range(draw(st.integers(1, 6))):
        operation = draw(st.sampled_from(OPERATIONS))
        path, after = "", names
        if operation == "einsum":
            gone = draw(st.sampled_from(names))
            fresh = draw(st.sampled_from([name for name in SIZES if name not in names]))
            path, after = f"kernel_{number}", names.replace(gone, fresh)
            params[path] = "".join(draw(st.permutations([gone, fresh])))
        elif operation == "add":
            path = f"bias_{number}"
            params[path] = "".join(draw(st.permutations(names))[: draw(st.integers(1, len(names)))])
        elif operation == "transpose":
            after = "".join(draw(st.permutations(names)))
        elif operation == "reduce" and len(names) > 2:
            after = names.replace(draw(st.sampled_from(names)), "")
        elif operation == "reduce":
            operation = "gelu"
        steps.append((operation, path, after))
        names = after
    return Network(params, inputs, names, tuple(steps))
