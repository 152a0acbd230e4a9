"""A function rewritten so that its gradient keeps less: policies applied to the traced program.

The model is not touched. The function is traced to a jaxpr, in which every equation knows the modules
that it came from; the equations of one recomputed module become one call under `jax.checkpoint`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, jaxpr_as_fun

from axisrules.memory.found import Found
from axisrules.memory.saved import Keeping
from axisrules.memory.segments import Segment, evaluate
from axisrules.memory.stack import Stack, check_groups
from axisrules.memory.units import (
    Path,
    Unit,
    Units,
    filled,
    inner_jaxprs,
    module_path,
    multiplies,
    numbered_layers,
)
from axisrules.rules import Remat

# What holds modules and is entered to find them; other equations with jaxprs inside stay whole.
ENTERED = ("scan", "jit", "pjit")
# What is done with an equation: a unit is recomputed, the number of an equation enters it, None keeps it.
Key = Unit | int | None


def rematerialized(fn: Callable[..., Any], policies: tuple[Remat, ...]) -> Callable[..., Any]:
    """`fn` with the same results and the same gradients, keeping for them what `policies` say.

    `fn` is any function of pytrees of arrays that JAX can trace: a loss, a stage of a pipeline. Without
    policies it is given back as it is. The new function raises AxisRulesError when it is traced: AXR770
    for a policy that matches nothing, AXR772 for a number of layers that `every` does not divide.
    """
    if not policies:
        return fn

    def rewritten(*args: Any) -> Any:
        leaves, structure = jax.tree.flatten(args)

        def flat(*leaves: Any) -> Any:
            return fn(*jax.tree.unflatten(structure, leaves))

        closed, shapes = jax.make_jaxpr(flat, return_shape=True)(*leaves)
        found = Found(policies)
        results = _Rewriter(Units(policies), found).run(closed.jaxpr, [*closed.consts, *leaves])
        found.raise_unmatched()
        return jax.tree.unflatten(jax.tree.structure(shapes), results)

    return rewritten


def rematerialized_layer(
    layer: ClosedJaxpr, within: Path, policies: tuple[Remat, ...]
) -> Callable[..., list[Any]]:
    """A loop's body over layers as a function that keeps what `policies` say; `within` are its modules.

    What they offload is kept as well, under the name OFFLOADED, for the caller to move. When it is called, a
    policy that matches nothing in it raises AxisRulesError (AXR770).
    """
    if not policies:
        return jaxpr_as_fun(layer)

    def rewritten(*args: Any) -> list[Any]:
        found, units = Found(policies), Units(policies)
        number = units.of_layers
        if number is not None:
            found.matched_layers(number)
        whole = None if number is None else (number, "/".join(within))
        rewriter = _Rewriter(units, found, within, in_loop=True, whole=whole, moves=False)
        results = rewriter.run(layer.jaxpr, [*layer.consts, *args])
        found.raise_unmatched()
        return results

    return rewritten


@dataclass(frozen=True)
class _Rewriter:
    """Computes jaxprs, with units under `jax.checkpoint`.

    `within` are the modules around the jaxpr, `in_loop` whether a scan is, and `whole` the unit that the
    rest of a scanned layer belongs to. `moves` is whether what is offloaded is moved here.
    """

    units: Units
    found: Found
    within: Path = ()
    in_loop: bool = False
    whole: Unit | None = None
    moves: bool = True

    def run(self, jaxpr: Jaxpr, values: list[Any]) -> list[Any]:
        """The results of `jaxpr` on `values`, constants first."""
        return evaluate(jaxpr, values, self.keys(jaxpr), partial(self.compute, jaxpr))

    def keys(self, jaxpr: Jaxpr) -> list[Key]:
        """What is done with every equation."""
        paths = [module_path(equation, self.within) for equation in jaxpr.eqns]
        layers = self.layers(paths)
        keys = [
            self.key(number, equation, path, layers)
            for number, (equation, path) in enumerate(zip(jaxpr.eqns, paths, strict=True))
        ]
        self.found.saw(paths)
        return keys if self.units.of_layers is None else filled(keys, self.units.of_layers)

    def layers(self, paths: list[Path]) -> dict[Path, Unit]:
        """The unit of every layer that stands in a row of modules, unless a scan around it is the row."""
        number = self.units.of_layers
        if number is None or self.in_loop:
            return {}
        groups = numbered_layers(paths, self.units.policies[number].every)
        return {path: (number, name) for path, name in groups.items()}

    def key(self, number: int, equation: Any, path: Path, layers: dict[Path, Unit]) -> Key:
        """The unit of one equation; else its number if there are units inside it."""
        matched = self.units.matches(path)
        layer = next((layers[path[:end]] for end in range(len(path) + 1) if path[:end] in layers), self.whole)
        if matched and (layer is None or matched[0][0] < layer[0]):
            self.found.matched(matched[0][0], matched[1])
            return matched[0]
        if layer:
            self.found.matched_layers(layer[0])
            return layer
        return number if self.holds_unit(equation, path) else None

    def holds_unit(self, equation: Any, path: Path) -> bool:
        """Whether a unit is inside `equation`, which itself is in none."""
        if equation.primitive.name not in ENTERED:
            return False
        if self.is_stack(equation):
            return True
        inner = replace(self, within=path, in_loop=self.in_loop or equation.primitive.name == "scan")
        return any(key is not None for jaxpr in inner_jaxprs(equation) for key in inner.keys(jaxpr))

    def is_stack(self, equation: Any) -> bool:
        """Whether `equation` scans over layers: an outermost scan that multiplies matrices."""
        return (
            self.units.of_layers is not None
            and not self.in_loop
            and equation.primitive.name == "scan"
            and any(map(multiplies, inner_jaxprs(equation)))
        )

    def compute(self, jaxpr: Jaxpr, key: Key, segment: Segment, inputs: list[Any]) -> list[Any]:
        """The results of one segment of `jaxpr`."""
        if key is None:
            return segment.function(jaxpr)(*inputs)
        if isinstance(key, int):
            return self.enter(jaxpr, segment, inputs)
        keeping = Keeping(key[0], self.units.policies[key[0]], self.found, self.moves)
        kept = keeping.function(segment.closed(jaxpr), self.within)
        return jax.checkpoint(kept, policy=keeping.policy, prevent_cse=not self.in_loop)(*inputs)

    def enter(self, jaxpr: Jaxpr, segment: Segment, inputs: list[Any]) -> list[Any]:
        """The results of one equation with units inside."""
        (equation,) = segment.equations
        path = module_path(equation, self.within)
        inner = replace(self, within=path, in_loop=self.in_loop or equation.primitive.name == "scan")
        number = self.units.of_layers
        if number is not None and self.is_stack(equation):
            self.found.matched_layers(number)
            if self.units.policies[number].every > 1:
                return self.group_layers(number, segment, inputs)
            inner = replace(inner, whole=(number, "/".join(path)))
        body = equation.params["jaxpr"]
        traced = jax.make_jaxpr(lambda *args: inner.run(body.jaxpr, [*body.consts, *args]))(*body.in_avals)
        entered = equation.replace(params=equation.params | {"jaxpr": traced})
        return replace(segment, equations=(entered,)).function(jaxpr)(*inputs)

    def group_layers(self, number: int, segment: Segment, inputs: list[Any]) -> list[Any]:
        """The results of a scan over layers, several of which are recomputed as one."""
        (equation,) = segment.equations
        stack, keeping = Stack(equation), Keeping(number, self.units.policies[number], self.found, self.moves)
        check_groups(stack.length, keeping)
        known = dict(zip(segment.inputs, inputs, strict=True))
        operands = [atom.val if isinstance(atom, Literal) else known[atom] for atom in equation.invars]
        path = module_path(equation, self.within)
        body = keeping.function(equation.params["jaxpr"], path)
        with jax.named_scope("/".join(path[len(self.within) :]) or "layers"):
            results = stack.grouped(keeping.remat.every, body, keeping.policy, operands)
        made = dict(zip(equation.outvars, results, strict=True))
        return [made[variable] for variable in segment.outputs]
