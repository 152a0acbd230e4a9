"""What a recomputed unit keeps all the same: named activations and results of modules."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax.ad_checkpoint import checkpoint_name
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxpr_as_fun

from axisrules.memory.found import Found
from axisrules.memory.segments import evaluate
from axisrules.memory.units import Path, anywhere, inner_jaxprs, module_path
from axisrules.rules import Remat

# What names become where a policy picks them: JAX's own policies go by name alone, and ours by place too.
SAVED, OFFLOADED = "axisrules.saved", "axisrules.offloaded"
PASSED_BY = "axisrules.passed_by"


@dataclass(frozen=True)
class Keeping:
    """One policy of several, and where it notes which of its words have matched something.

    What it offloads JAX moves to the host, unless `moves` is false: then it is kept, under its name.
    """

    number: int
    remat: Remat
    found: Found
    moves: bool = True

    @property
    def policy(self) -> Callable[..., Any] | None:
        """JAX's form of what is kept; None for nothing at all."""
        if self.remat.offload and self.moves:
            return jax.checkpoint_policies.save_and_offload_only_these_names(
                names_which_can_be_saved=[SAVED],
                names_which_can_be_offloaded=[OFFLOADED],
                offload_src="device",
                offload_dst="pinned_host",
            )
        names = (SAVED, OFFLOADED) if self.remat.offload else (SAVED,)
        kept = self.remat.save or self.remat.offload
        return jax.checkpoint_policies.save_only_these_names(*names) if kept else None

    def function(self, closed: ClosedJaxpr, within: Path) -> Callable[..., list[Any]]:
        """`closed` as a function in which everything that is kept has its name."""
        jaxpr = self.renamed(closed.jaxpr, within)
        modules = [self.module(module_path(equation, within)) for equation in jaxpr.eqns]
        if not any(modules):
            return jaxpr_as_fun(ClosedJaxpr(jaxpr, closed.consts))

        def computed(*args: Any) -> list[Any]:
            return evaluate(jaxpr, [*closed.consts, *args], modules, run)

        def run(module: tuple[str, str] | None, segment: Any, inputs: list[Any]) -> list[Any]:
            results = segment.function(jaxpr)(*inputs)
            return [checkpoint_name(result, module[0]) for result in results] if module else results

        return computed

    def renamed(self, jaxpr: Jaxpr, within: Path) -> Jaxpr:
        """`jaxpr` with the names in it replaced by what is done with them."""
        if not (self.remat.save or self.remat.offload):
            return jaxpr
        return jaxpr.replace(eqns=[self._renamed(equation, within) for equation in jaxpr.eqns])

    def _renamed(self, equation: Any, within: Path) -> Any:
        path = module_path(equation, within)
        if equation.primitive.name == "name":
            name = self.choice(path, equation.params["name"])
            return equation.replace(params=equation.params | {"name": name})
        params = dict(equation.params)
        for key, value in params.items():
            if isinstance(value, ClosedJaxpr):
                params[key] = ClosedJaxpr(self.renamed(value.jaxpr, path), value.consts)
        return equation.replace(params=params) if inner_jaxprs(equation) else equation

    def choice(self, path: Path, name: str) -> str:
        """What becomes of the activation `name` made in the module `path`."""
        self.found.saw_name(name)
        for word, chosen, items in self._lists:
            for item in items:
                module, colon, activation = item.rpartition(":")
                here = not colon or anywhere(module).matches("/".join(path))
                if here and " ".join(activation.split()) == name:
                    self.found.matched(self.number, item, word)
                    return chosen
        return PASSED_BY

    def module(self, path: Path) -> tuple[str, str] | None:
        """What becomes of the results of the outermost module on the way to `path` that is kept."""
        for end in range(1, len(path) + 1):
            own = "/".join(path[:end])
            for word, chosen, items in self._lists:
                item = next((item for item in items if _is_path(item) and anywhere(item).matches(own)), None)
                if item:
                    self.found.matched(self.number, item, word)
                    return chosen, own
        return None

    @property
    def _lists(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        return ("save", SAVED, self.remat.save), ("offload", OFFLOADED, self.remat.offload)


def _is_path(item: str) -> bool:
    """Whether `item` can be the path of a module; names of several axes hold blanks."""
    return ":" not in item and len(item.split()) == 1
