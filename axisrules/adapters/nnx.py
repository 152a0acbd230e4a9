"""Reads an nnx model: its variables as nested dicts, their metadata as logical axes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from flax import nnx

from axisrules.adapters.factory import construct
from axisrules.adapters.program import Model, Shapes
from axisrules.adapters.reading import Reading, bare, read_annotation
from axisrules.adapters.record import recording
from axisrules.adapters.scopes import name_modules
from axisrules.adapters.tree import check_tree
from axisrules.axes import AxisNames
from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog
from axisrules.rules import Kind

State = nnx.State[Any, Any]

# Flax renamed the metadata that holds an annotation, twice; the newest name comes first.
ANNOTATIONS = ("out_sharding", "sharding", "sharding_names")


def read_nnx(build: Callable[..., nnx.Module]) -> Reading:
    """What the module that `build` makes from an `nnx.Rngs` holds; nothing is allocated."""
    key = jax.eval_shape(jax.random.key, 0)
    with nnx.use_eager_sharding(False):
        graph, params, rest = jax.eval_shape(lambda key: _split(_built(build, key)), key)
    model = _Nnx(build, graph, params, rest)
    findings: list[Diagnostic] = []
    param_axes = {path: _axes(path, variable, findings) for path, variable in _variables(params)}
    rest_axes = {path: _axes(path, variable, findings) for path, variable in _variables(rest)}
    return Reading(
        api="nnx",
        params=_shapes(params),
        rest=_shapes(rest),
        param_axes=param_axes,
        rest_axes=rest_axes,
        rest_kinds={path: _kind(variable) for path, variable in _variables(rest)},
        init=model.init,
        bind=model.bind,
        collect=model.collect,
        findings=tuple(findings),
    )


@dataclass(frozen=True, eq=False)
class _Nnx:
    """How to build a module, and the abstract parts that it splits into."""

    build: Callable[..., nnx.Module]
    graph: Any
    params: State
    rest: State

    def init(self, key: jax.Array) -> tuple[Any, Any]:
        """Fresh (params, rest) of a module built from `nnx.Rngs(key)`."""
        with recording(None), nnx.use_eager_sharding(False):
            _, params, rest = _split(_built(self.build, key))
        return nnx.to_pure_dict(params), nnx.to_pure_dict(rest)

    def bind(self, params: Any, rest: Any, key: jax.Array | None) -> Model:
        """A module with these arrays; without a key it is in eval mode (no dropout, running averages).

        The key itself goes unused: an nnx module carries its random streams in `rest`, and they count on.
        """
        with nnx.use_eager_sharding(False):
            module = nnx.merge(self.graph, _filled(self.params, params), _filled(self.rest, rest))
        name_modules(module)
        if key is None:
            module.eval()
        return module

    def collect(self, model: Model) -> Any:
        """The variables of `rest` as they are now; what a call has sown is no state and is left out."""
        found = dict(nnx.to_flat_state(_split(model)[2]))
        kept = [(path, found[path]) for path, _ in nnx.to_flat_state(self.rest)]
        return nnx.to_pure_dict(nnx.from_flat_state(kept))


def _built(build: Callable[..., nnx.Module], key: jax.Array) -> nnx.Module:
    # Flax takes an array that is no Variable for data, but a traced one for a constant of the graph,
    # and then it is lost (0.12.8 and 0.12.12; delete this when nnx.is_data is true of a tracer).
    nnx.register_data_type(type(key))
    module = construct(build, nnx.Rngs(key))
    if not isinstance(module, nnx.Module):
        why = f"called with nnx.Rngs, it gives an object of type {type(module).__name__}, not an nnx.Module"
        fix = "return the module: lambda rngs: Decoder(rngs=rngs)"
        raise AxisRulesError([catalog.BAD_FACTORY.at(why=why, fix=fix)])
    return module


def _split(module: nnx.Module) -> tuple[Any, State, State]:
    """The module's graph, its parameters, and every other variable."""
    graph, *states = nnx.split(module, nnx.Param, ...)
    params, rest = states
    return graph, params, rest


def _filled(abstract: State, values: Any) -> State:
    """A copy of `abstract` with `values` in the place of its shapes."""
    state = jax.tree.map(lambda leaf: leaf, abstract)
    nnx.replace_by_pure_dict(state, values)
    return state


def _shapes(state: State) -> Shapes:
    tree = nnx.to_pure_dict(state)
    check_tree(tree, "the module's variables")
    return bare(tree)


def _variables(state: State) -> list[tuple[str, Any]]:
    return [("/".join(map(str, path)), variable) for path, variable in nnx.to_flat_state(state)]


def _axes(path: str, variable: Any, findings: list[Diagnostic]) -> AxisNames | None:
    if isinstance(variable, nnx.RngState):
        return (None,) * len(variable.shape)  # keys and counts are small and belong on every device
    if not isinstance(variable, nnx.Variable):
        return None  # an array that the module holds bare has no metadata
    metadata = variable.get_metadata()
    names = next((metadata[name] for name in ANNOTATIONS if metadata.get(name) is not None), None)
    return read_annotation(names, path, findings)


def _kind(variable: Any) -> Kind:
    return "cache" if isinstance(variable, nnx.Cache) else "params"
