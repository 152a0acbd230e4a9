"""What goes in: a jaxpr whose arrays have places, and the names that are known of some of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr

from axisrules.axes import AxisNames

# `checkpoint_name(y, BOUNDARY_MARK + "decoder/layer_0#0")` makes `y` the boundary "decoder/layer_0#0".
BOUNDARY_MARK = "axisrules:"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an array of a program is: its kind and its path.

    Kinds that mean something here: "params" take part in templates and roles, "inputs" are what the user
    feeds, "outputs" what comes back, "boundaries" are marked in the jaxpr. Any other kind is a name.
    """

    kind: str
    path: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}"


@dataclass(frozen=True, slots=True)
class Seed:
    """Names for the dims of every array of `kind` whose path matches the glob `pattern`.

    A None names nothing. `origin` says who gave them, for messages: "seeds.toml:3".
    """

    kind: str
    pattern: str
    names: AxisNames
    origin: str = ""


@dataclass(frozen=True, eq=False)
class Traced:
    """A jaxpr with a place for every array that goes in and, where wanted, that comes out.

    `ties` are pairs of places that hold one and the same array, dim by dim: a state before and after a
    step. `example`s of a Traced hold no array.
    """

    jaxpr: ClosedJaxpr
    inputs: tuple[Place | None, ...]
    outputs: tuple[Place | None, ...] = ()
    ties: tuple[tuple[Place, Place], ...] = ()


def trace(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Traced:
    """`function(*arguments.values())` as a Traced; the arguments' names are the kinds of their arrays.

    Arguments are trees of arrays or of jax.ShapeDtypeStruct; nothing is allocated. What comes back has
    the kind "outputs". Give dims that differ in meaning sizes that differ, and none the size 1: equal
    sizes can't lead inference astray, but a dim of size 1 is lost where it broadcasts.
    """
    jaxpr, result = jax.make_jaxpr(function, return_shape=True)(*arguments.values())
    inputs = [place for kind, tree in arguments.items() for place in places_of(kind, tree)]
    return Traced(jaxpr, tuple(inputs), tuple(places_of("outputs", result)))


def places_of(kind: str, tree: Any) -> list[Place]:
    """A place for every leaf of `tree`, in order: paths are `/`-joined, `layers/0/kernel`."""
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [Place(kind, jax.tree_util.keystr(keys, simple=True, separator="/")) for keys, _ in flat]
