"""Models without a single axis name, in every form that Flax offers, and their ground truth."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import nnx

BATCH, SEQ, VOCAB, EMBED, MLP, LAYERS = 16, 4, 64, 32, 128, 2
TOKENS = {"inputs": np.arange(BATCH * SEQ, dtype=np.int32).reshape(BATCH, SEQ) % VOCAB}
SEEDS = {
    "batch": {"inputs": "batch seq"},
    "params": {"**/embedding": "vocab embed"},
    "activations": {"**/up": "batch seq mlp"},
}
FORMS = ("loop", "jit", "remat", "scan", "remat_scan")


class Block(nn.Module):
    @nn.compact
    def __call__(self, x, _=None):
        hidden = nn.relu(nn.Dense(MLP, name="up")(x))
        return x + nn.Dense(EMBED, name="down")(hidden), None


class Linen(nn.Module):
    form: str = "loop"

    @nn.compact
    def __call__(self, tokens):
        table = nn.Embed(VOCAB, EMBED, name="table")
        x = table(tokens)
        lifted = {"jit": nn.jit, "remat": nn.remat}.get(self.form, lambda block: block)
        if "scan" in self.form:
            block = nn.remat(Block) if "remat" in self.form else Block
            stack = nn.scan(block, variable_axes={"params": 0}, split_rngs={"params": True}, length=LAYERS)
            x, _ = stack(name="layers")(x, None)
        else:
            for number in range(LAYERS):
                x, _ = lifted(Block)(name=f"layers_{number}")(x)
        return table.attend(x)


class NnxBlock(nnx.Module):
    def __init__(self, rngs):
        self.up = nnx.Linear(EMBED, MLP, rngs=rngs)
        self.down = nnx.Linear(MLP, EMBED, rngs=rngs)

    def __call__(self, x):
        return x + self.down(nnx.relu(self.up(x)))


class Nnx(nnx.Module):
    def __init__(self, form, rngs):
        self.form = form
        self.table = nnx.Embed(VOCAB, EMBED, rngs=rngs)
        if "scan" in form:
            keys = jax.random.split(rngs(), LAYERS)
            self.layers = nnx.vmap(lambda key: NnxBlock(nnx.Rngs(key)))(keys)
        else:
            self.layers = nnx.List([NnxBlock(rngs) for _ in range(LAYERS)])

    def __call__(self, tokens):
        x = self.table(tokens)
        run = {"jit": nnx.jit, "remat": nnx.remat, "remat_scan": nnx.remat}.get(self.form, lambda call: call)
        call = run(lambda block, x: block(x))
        if "scan" in self.form:
            scanned = nnx.scan(lambda x, block: call(block, x), in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)
            return self.table.attend(scanned(x, self.layers))
        for block in self.layers:
            x = call(block, x)
        return self.table.attend(x)


def linen(form="loop"):
    return Linen(form)


def nnx_model(form="loop"):
    return lambda rngs: Nnx(form, rngs)


def function():
    """The same stack as two plain functions of a dict of arrays."""
    shapes = {"table": (VOCAB, EMBED), "up": (EMBED, MLP), "down": (MLP, EMBED)}

    def init(key):
        return {name: 0.1 * jax.random.normal(key, shape) for name, shape in shapes.items()}

    def apply(params, tokens):
        x = jnp.take(params["table"], tokens, axis=0)
        return (x + nn.relu(x @ params["up"]) @ params["down"]) @ params["table"].T

    return init, apply


def loss(model, batch):
    logits = model(batch["inputs"])
    return -jax.nn.log_softmax(logits)[..., 0].mean()


def truth(path):
    """The axes of a parameter of any of these models, by the end of its path."""
    stacked = ("layers",) if "layers/" in path and "/0/" not in path and "/1/" not in path else ()
    ends = {
        "up/kernel": ("embed", "mlp"),
        "up/bias": ("mlp",),
        "down/kernel": ("mlp", "embed"),
        "down/bias": ("embed",),
        "embedding": ("vocab", "embed"),
    }
    names = next(names for end, names in ends.items() if path.endswith(end))
    return (*(None for _ in stacked), *names)
