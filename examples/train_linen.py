"""Your own linen model, loss, optimizer and loop, laid out by a rule table."""

import jax
import numpy as np
import optax
from flax import linen as nn

import axisrules

axisrules.use_virtual_devices(8)  # leave it out where real ones are


class Model(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        embedding = nn.with_logical_partitioning(nn.initializers.normal(1.0), ("vocab", "embed"))
        widen = nn.with_logical_partitioning(nn.initializers.lecun_normal(), ("embed", "mlp"))
        narrow = nn.with_logical_partitioning(nn.initializers.lecun_normal(), ("mlp", "embed"))
        predict = nn.with_logical_partitioning(nn.initializers.lecun_normal(), ("embed", "vocab"))
        x = nn.Embed(256, 64, embedding_init=embedding)(tokens)
        hidden = nn.relu(nn.Dense(512, use_bias=False, kernel_init=widen)(x))
        hidden = axisrules.constrain(hidden, "batch seq mlp")
        x = x + nn.Dense(64, use_bias=False, kernel_init=narrow)(hidden)
        return nn.Dense(256, use_bias=False, kernel_init=predict)(x)


def loss(model, batch):
    logits = model(batch["inputs"])
    return optax.softmax_cross_entropy_with_integer_labels(logits, batch["targets"]).mean()


random = np.random.default_rng(0)
inputs = random.integers(0, 256, size=(16, 32), dtype=np.int32)
batch = {"inputs": inputs, "targets": inputs * 7 % 256}
batch_axes = {"inputs": "batch seq", "targets": "batch seq"}

program = axisrules.read_program(Model(), loss, batch, optimizer=optax.adamw(3e-3), batch_axes=batch_axes)
partitioner = axisrules.make_partitioner(program, "fsdp_tp", "fsdp=2,tensor=4")

state = partitioner.init(jax.random.key(0))  # born sharded
train_step = partitioner.train_step()
for step in range(20):
    state, metrics = train_step(state, partitioner.place(batch))
    print(f"step {step}: loss {metrics['loss']:.4f}")
