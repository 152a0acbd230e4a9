"""Your own nnx model, loss, optimizer and loop, laid out by a rule table."""

import jax
import numpy as np
import optax
from flax import nnx

import axisrules

axisrules.use_virtual_devices(8)  # leave it out where real ones are


class Model(nnx.Module):
    def __init__(self, rngs):
        embedding = nnx.with_partitioning(nnx.initializers.normal(1.0), ("vocab", "embed"))
        widen = nnx.with_partitioning(nnx.initializers.lecun_normal(), ("embed", "mlp"))
        narrow = nnx.with_partitioning(nnx.initializers.lecun_normal(), ("mlp", "embed"))
        predict = nnx.with_partitioning(nnx.initializers.lecun_normal(), ("embed", "vocab"))
        self.embed = nnx.Embed(256, 64, embedding_init=embedding, rngs=rngs)
        self.widen = nnx.Linear(64, 512, use_bias=False, kernel_init=widen, rngs=rngs)
        self.narrow = nnx.Linear(512, 64, use_bias=False, kernel_init=narrow, rngs=rngs)
        self.predict = nnx.Linear(64, 256, use_bias=False, kernel_init=predict, rngs=rngs)

    def __call__(self, tokens):
        x = self.embed(tokens)
        hidden = axisrules.constrain(nnx.relu(self.widen(x)), "batch seq mlp")
        return self.predict(x + self.narrow(hidden))


def loss(model, batch):
    logits = model(batch["inputs"])
    return optax.softmax_cross_entropy_with_integer_labels(logits, batch["targets"]).mean()


random = np.random.default_rng(0)
inputs = random.integers(0, 256, size=(16, 32), dtype=np.int32)
batch = {"inputs": inputs, "targets": inputs * 7 % 256}
batch_axes = {"inputs": "batch seq", "targets": "batch seq"}

program = axisrules.read_program(Model, loss, batch, optimizer=optax.adamw(3e-3), batch_axes=batch_axes)
partitioner = axisrules.make_partitioner(program, "fsdp_tp", "fsdp=2,tensor=4")

state = partitioner.init(jax.random.key(0))  # born sharded
train_step = partitioner.train_step()
for step in range(20):
    state, metrics = train_step(state, partitioner.place(batch))
    print(f"step {step}: loss {metrics['loss']:.4f}")
