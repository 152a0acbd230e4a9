"""nnx modules name themselves in the trace; what they compute and what they are stays the same."""

import jax
import jax.numpy as jnp
from flax import nnx

import axisrules
from axisrules.adapters.scopes import name_modules


class Block(nnx.Module):
    """A block."""

    def __init__(self, rngs):
        self.linear = nnx.Linear(2, 2, rngs=rngs)

    def __call__(self, x):
        return jnp.tanh(self.linear(x))


class Model(nnx.Module):
    def __init__(self, rngs):
        self.blocks = nnx.List([Block(rngs) for _ in range(2)])
        self.head = nnx.Dict(out=Block(rngs))
        self.tied = self.blocks[0]

    def __call__(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head.out(x)


def paths_in(model, x):
    jaxpr = jax.make_jaxpr(model)(x).jaxpr
    return list(
        dict.fromkeys(str(e.source_info.name_stack) for e in jaxpr.eqns if e.primitive.name == "tanh")
    )


def test_equations_know_their_modules():
    model = Model(nnx.Rngs(0))
    x = jnp.ones((3, 2))
    before = model(x)
    name_modules(model)
    assert jnp.array_equal(model(x), before)
    assert paths_in(model, x)[1:] == ["blocks/1", "head/out"]
    assert paths_in(model, x)[0] in ("blocks/0", "tied"), "one module in two places has one name"


def test_a_module_stays_what_it_was():
    model = Model(nnx.Rngs(0))
    name_modules(model)
    block = model.blocks[0]
    assert isinstance(block, Block)
    assert (type(block).__name__, type(block).__doc__) == ("Block", "A block.")
    graph, state = nnx.split(model)
    again = nnx.merge(graph, state)
    assert paths_in(again, jnp.ones((3, 2))) == paths_in(model, jnp.ones((3, 2)))


def test_bound_twice_a_module_has_one_class():
    batch = {"x": jax.ShapeDtypeStruct((3, 2), "float32")}
    program = axisrules.read_program(Model, lambda model, batch: jnp.mean(model(batch["x"])), batch)
    with axisrules.use_plan(None):
        params, rest = program.init(jax.random.key(0))
    first, second = (program.bind(params, rest, jax.random.key(1)) for _ in range(2))
    assert type(first.blocks[0]) is type(second.blocks[0])
    assert nnx.graphdef(first) == nnx.graphdef(second)
