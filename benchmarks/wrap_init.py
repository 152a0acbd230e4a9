"""A wrapped model is born sharded: the largest buffer of its init, and its values beside an unsharded one.

python -m benchmarks.wrap_init
"""

import re
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import nnx

from axisrules import make_partitioner, use_virtual_devices, wrap
from benchmarks.hlo import buffers
from benchmarks.report import Figure, publish

DEVICES = 8
WIDTH, HIDDEN, VOCAB = 256, 1024, 8192
INITIALISERS = {
    "lecun_normal": nn.initializers.lecun_normal(),
    "truncated_normal": nn.initializers.truncated_normal(0.02),
}
TOKENS = {"inputs": np.arange(16 * 8, dtype=np.int32).reshape(16, 8)}
SEEDS = {"batch": {"inputs": "batch seq"}, "params": {"table/embedding": "vocab embed"}}


class Linen(nn.Module):
    """A tower of three layers, in linen."""

    initialiser: Any

    @nn.compact
    def __call__(self, tokens: Any) -> Any:
        """Logits for every token."""
        table = nn.Embed(VOCAB, WIDTH, name="table")
        x = table(tokens)
        for number in range(3):
            hidden = nn.relu(nn.Dense(HIDDEN, kernel_init=self.initialiser, name=f"up_{number}")(x))
            x = x + nn.Dense(WIDTH, kernel_init=self.initialiser, name=f"down_{number}")(hidden)
        return table.attend(x)


class Nnx(nnx.Module):
    """The same in nnx, of one layer."""

    def __init__(self, init: Any, rngs: nnx.Rngs) -> None:
        self.table = nnx.Embed(VOCAB, WIDTH, rngs=rngs)
        self.up = nnx.Linear(WIDTH, HIDDEN, kernel_init=init, rngs=rngs)
        self.down = nnx.Linear(HIDDEN, WIDTH, kernel_init=init, rngs=rngs)

    def __call__(self, tokens: Any) -> Any:
        """Logits for every token."""
        x = self.table(tokens)
        return self.table.attend(x + self.down(nnx.relu(self.up(x))))


def loss(model: Any, batch: Any) -> Any:
    """Something to take gradients of."""
    return jnp.mean(model(batch["inputs"]) ** 2)


def one_model(name: str, model: Any) -> list[Figure]:
    """The buffers of the compiled init, and its values."""
    wrapped = wrap(model, loss, TOKENS, seeds=SEEDS)
    partitioner = make_partitioner(wrapped.program, "fsdp", f"fsdp={DEVICES}")
    key = jax.random.key(0)
    hlo_text = jax.jit(partitioner.init).lower(key).compile().as_text()
    largest = max(size for _, _, size in buffers(in_memory(hlo_text)))
    sizes = [shape.size * shape.dtype.itemsize for shape in jax.tree.leaves(wrapped.program.params)]
    plain, _ = jax.jit(wrapped.probe.reading.init)(key)
    born = partitioner.init(key).params
    equal = jax.tree.map(lambda a, b: np.array_equal(np.asarray(a), np.asarray(b)), born, plain)
    return [
        Figure(f"{name}: largest parameter", max(sizes), "bytes"),
        Figure(f"{name}: largest buffer in the init", largest, "bytes", at_most=max(sizes) / DEVICES),
        Figure(
            f"{name}: parameters unlike an unsharded init", jax.tree.leaves(equal).count(False), at_most=0
        ),
    ]


def in_memory(hlo_text: str) -> str:
    """The module without its fused computations, whose values exist one element at a time."""
    parts = re.split(r"\n(?=(?:ENTRY )?%?[\w.-]+ \()", hlo_text)
    return "\n".join(part for part in parts if not part.startswith("%fused_computation"))


def warnings_of(model: Any) -> int:
    """How often `wrap` warns of an initialiser that holds a whole array."""
    findings = wrap(model, loss, TOKENS, seeds=SEEDS).findings
    return sum(found.code == "AXR325" for found in findings)


def measure() -> list[Figure]:
    """Both APIs, and the initialiser that XLA does not cut."""
    figures = []
    for name, init in INITIALISERS.items():
        figures += one_model(f"linen {name}", Linen(init))
        figures += one_model(f"nnx {name}", lambda rngs, init=init: Nnx(init, rngs))
        figures.append(Figure(f"{name}: warnings", warnings_of(Linen(init)), at_most=0))
    whole = warnings_of(Linen(nn.initializers.orthogonal()))
    return [*figures, Figure("orthogonal: warnings", whole, at_least=1)]


if __name__ == "__main__":
    use_virtual_devices(DEVICES)
    sys.exit(publish("wrap_init", measure()))
