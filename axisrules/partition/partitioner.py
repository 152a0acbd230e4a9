"""A plan bound to its mesh: everything compiled through it sees this plan and no other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial, wraps
from pathlib import Path
from typing import Any, Unpack

import jax
from jax.sharding import (
    AbstractMesh,
    AxisType,
    Mesh,
    NamedSharding,
    PartitionSpec,
    get_abstract_mesh,
    use_abstract_mesh,
)

from axisrules.adapters import Loss, Model, Program, in_force, jax_itself
from axisrules.axes import AxisNames
from axisrules.diagnostics import AxisRulesError, Origin, catalog
from axisrules.mesh import MeshSpec
from axisrules.partition.activations import lay_out, lay_out_own
from axisrules.partition.batch import place_batch
from axisrules.partition.devices import make_mesh, mesh_spec
from axisrules.partition.gradient import gradient_of, scorer_of
from axisrules.partition.relayout import move_state
from axisrules.partition.shardings import sharding_here, shardings_of, state_shardings
from axisrules.partition.state import TrainState
from axisrules.partition.step import eval_step, initial_state, train_step
from axisrules.resolve import Plan, make_plan
from axisrules.rules import RuleTable, Training, load_rules, parse_training

# Part of every trace-cache key: a function that jit has traced under one plan, nested jits
# included, is traced again under another. (Flax's rules context lacks this, and goes stale.)
_traced_under = jax.make_user_context(None)


@dataclass(frozen=True, eq=False)
class Partitioner:
    """A program laid out by one plan on one mesh, and the jitted functions that run it.

    On an AbstractMesh the functions can be traced, lowered and exported, and nothing can be run.
    """

    program: Program
    plan: Plan
    mesh: Mesh | AbstractMesh

    @property
    def is_explicit(self) -> bool:
        """Whether arrays on this mesh carry their layout in their type."""
        return AxisType.Explicit in self.mesh.axis_types

    @cached_property
    def state_shardings(self) -> TrainState:
        """A TrainState with a NamedSharding in the place of every array."""
        return state_shardings(self.program, self.plan, self.mesh)

    @cached_property
    def batch_shardings(self) -> Any:
        """The batch with a NamedSharding in the place of every array."""
        return shardings_of(self.program.batch, "batch", self.plan, self.mesh)

    def init(self, key: jax.Array) -> TrainState:
        """A fresh state, born sharded: no device and no host ever holds a whole parameter.

        The values are those of an unsharded init with the same key, bit for bit. (Shards narrower than
        a vector register are an exception: XLA's CPU code may round their last elements otherwise.)
        """
        state: TrainState = self._initialise(key)
        return state

    def train_step(self, *, donate: bool = True) -> jax.stages.Wrapped:
        """A jitted `(state, batch) -> (state, metrics)`; the old state is donated to the new one.

        The metrics are those of the loss function, and `loss` itself. What the table says of `remat`
        and `accumulate` changes memory and time, and no number beyond rounding.

        Raises AxisRulesError: AXR506 when the program has no optimizer, AXR771 and AXR773 for a table's
        remat or accumulate that does not fit the devices or the batch.
        """
        if self.program.optimizer is None:
            fix = "give read_program an optimizer: optimizer=optax.adamw(1e-3)"
            raise AxisRulesError([catalog.NO_OPTIMIZER.at(fix=fix)])
        gradient = gradient_of(self.program, self.plan, self.mesh)
        step = self._in_auto_mode(
            partial(train_step, self.program, gradient, self._pin_gradients),
            (self.state_shardings, self._whole),
        )
        return self.jit(
            step,
            in_shardings=(self.state_shardings, self.batch_shardings),
            out_shardings=(self.state_shardings, None),
            donate_argnums=(0,) if donate else (),
        )

    def eval_step(self, fn: Loss | None = None) -> jax.stages.Wrapped:
        """A jitted `(state, batch) -> fn(model, batch)`, by default the metrics of the program's loss.

        On an Explicit mesh the result comes out whole on every device.
        """
        scorer = scorer_of(self.program, self.plan, self.mesh) if fn is None else None
        step = self._in_auto_mode(partial(eval_step, self.program, fn, scorer), self._whole)
        return self.jit(step, in_shardings=(self.state_shardings, self.batch_shardings))

    def jit(self, fn: Callable[..., Any], **options: Any) -> jax.stages.Wrapped:
        """`jax.jit(fn, **options)`, traced with this plan in force, whatever is in force elsewhere.

        The result is JAX's own jitted function: calling it costs nothing more.
        """

        @wraps(fn)
        def traced(*args: Any, **kwargs: Any) -> Any:
            with ExitStack() as stack:
                stack.enter_context(_in_force(self))
                if self.is_explicit and get_abstract_mesh().empty:
                    # New arrays that the model makes must belong to the mesh, too.
                    stack.enter_context(use_abstract_mesh(self.mesh.abstract_mesh))
                return fn(*args, **kwargs)

        return jax.jit(traced, **options)

    def place(self, batch: Any) -> Any:
        """The batch as sharded arrays; in a run of several processes each gives its own part.

        Raises AxisRulesError (AXR502) when it is unlike the program's batch.
        """
        return place_batch(batch, self.program.batch, self.batch_shardings)

    def move(self, state: TrainState, *, donate: bool = False) -> TrainState:
        """A live state of the same program, re-laid by this plan, whatever its layout was.

        `donate` gives up the old state's memory. Raises AxisRulesError (AXR504) for a state of another
        program.
        """
        return move_state(state, self.abstract_state, donate=donate)

    @cached_property
    def abstract_state(self) -> TrainState:
        """Shape, dtype and sharding of every array of the state: what a checkpoint restore asks for."""
        program = self.program
        step, key = jax.ShapeDtypeStruct((), "int32"), jax.eval_shape(jax.random.key, 0)
        shapes = TrainState(step, key, program.params, program.rest, program.opt_state)
        return jax.tree.map(
            lambda shape, sharding: jax.ShapeDtypeStruct(shape.shape, shape.dtype, sharding=sharding),
            shapes,
            self.state_shardings,
        )

    def model(self, state: TrainState) -> Model:
        """The model with the state's arrays in it: a bound linen module or an nnx module."""
        return self.program.bind(state.params, state.rest, None)

    def constrain_array(self, x: Any, names: AxisNames, origin: Origin) -> Any:
        """What `constrain` does while this plan is in force."""
        with jax_itself():
            return lay_out(x, names, origin, self.plan, self.mesh)

    def constrain_own(self, x: Any, sharding: Any, origin: Origin) -> Any:
        """What a wrapped model's own constraint does while this plan is in force, where it is kept.

        Raises AxisRulesError (AXR324) when it names a mesh axis that this mesh lacks.
        """
        with jax_itself():
            return lay_out_own(x, sharding, origin, self.mesh)

    @cached_property
    def _initialise(self) -> jax.stages.Wrapped:
        return self.jit(partial(initial_state, self.program), out_shardings=self.state_shardings)

    @property
    def _whole(self) -> NamedSharding:
        return NamedSharding(self.mesh, PartitionSpec())

    def _in_auto_mode(self, fn: Callable[..., Any], out_sharding: Any) -> Callable[..., Any]:
        """On an Explicit mesh types stop at the step's boundary: inside, GSPMD lays out the model.

        Explicit types want an out_sharding at every contraction of two sharded dims, which models
        written for logical axes do not give.
        """
        if not self.is_explicit:
            return fn
        return jax.sharding.auto_axes(fn, out_sharding=out_sharding)

    def _pin_gradients(self, grads: Any) -> Any:
        """Constrain the gradients that lie unlike their parameters; leave the rest to XLA."""
        pinned = shardings_of(self.program.params, "gradients", self.plan, self.mesh)
        as_params = self.state_shardings.params

        def pin(grad: Any, sharding: NamedSharding, param: NamedSharding) -> Any:
            if sharding.spec == param.spec:
                return grad
            return jax.lax.with_sharding_constraint(grad, sharding_here(self.mesh, sharding.spec))

        return jax.tree.map(pin, grads, pinned, as_params)


def make_partitioner(
    program: Program,
    rules: str | Path | RuleTable,
    mesh: str | MeshSpec | Mesh | None = None,
    *,
    devices: Sequence[jax.Device] | None = None,
    **training: Unpack[Training],
) -> Partitioner:
    """`program` laid out by `rules` (a preset's name, a file or a table) on `mesh`.

    Without a mesh, the one that the table suggests. `training` takes what a table can say of how a step
    is run, and goes before the table: remat="attention", accumulate=8. Raises AxisRulesError with
    everything that is wrong with the table, the mesh or their fit to the program.
    """
    table = load_rules(rules) | parse_training(training)
    if not isinstance(mesh, Mesh):
        mesh = make_mesh(mesh or table.mesh or f"data={len(devices or jax.devices())}", devices)
    return Partitioner(program, make_plan(program.leaves, table, mesh_spec(mesh)), mesh)


@contextmanager
def use_plan(partitioner: Partitioner | None) -> Iterator[None]:
    """Put a plan in force for `constrain`; None declares that constraints do nothing here.

    Jitted functions called inside are traced for this plan alone. For code that axisrules does not
    jit itself: `Partitioner.jit` and the steps need no context.
    """
    with ExitStack() as stack:
        stack.enter_context(_in_force(partitioner))
        if partitioner is not None and partitioner.is_explicit and get_abstract_mesh().empty:
            mesh = partitioner.mesh
            stack.enter_context(jax.set_mesh(mesh) if isinstance(mesh, Mesh) else use_abstract_mesh(mesh))
        yield


@contextmanager
def _in_force(partitioner: Partitioner | None) -> Iterator[None]:
    identity = None if partitioner is None else (partitioner.plan.digest, partitioner.mesh)
    with in_force(partitioner), _traced_under(identity):
        yield
