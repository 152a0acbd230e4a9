"""Tiny programs, exported for chips that are not here."""

import jax
import jax.export
import jax.numpy as jnp
import pytest
from jax.sharding import AbstractMesh, AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from axisrules.mesh import parse_mesh, parse_target
from axisrules.targets import CompileJob

LOWERED_FOR = {"tpu": "tpu", "gpu": "cuda"}


@pytest.fixture(scope="session")
def exported():
    """A step over (data, tensor) as bytes: one product, one donated array, a sum over all devices."""

    def build(platform="tpu", data=4, tensor=1, rows=256, columns=256):
        mesh = AbstractMesh((data, tensor), ("data", "tensor"), axis_types=(AxisType.Auto,) * 2)

        def step(weights, batch):
            with jax.named_scope("product"):
                loss = jnp.sum(batch @ weights)
            return [weights + loss, loss]

        weights = jax.ShapeDtypeStruct((rows, columns), jnp.float32)
        shardings = (NamedSharding(mesh, P(None, "tensor")), NamedSharding(mesh, P("data")))
        jitted = jax.jit(
            step,
            in_shardings=shardings,
            out_shardings=[shardings[0], None],
            donate_argnums=(0,),
            keep_unused=True,
        )
        batch = jax.ShapeDtypeStruct((8 * data, rows), jnp.float32)
        platforms = (LOWERED_FOR[platform],)
        return bytes(jax.export.export(jitted, platforms=platforms)(weights, batch).serialize())

    return build


@pytest.fixture
def job(exported):
    """A job of that step for a target, on a mesh of `data` times `tensor`."""

    def build(target="tpu:v5e:2x2", data=4, tensor=1, *, slices=1, mesh=None, options=None, **sizes):
        described = parse_target(target, slices=slices)
        program = exported(described.platform, data, tensor, **sizes)
        spec = parse_mesh(mesh or {"data": data, "tensor": tensor})
        return CompileJob(program, described, spec, donated=(0,), options=options or {})

    return build
