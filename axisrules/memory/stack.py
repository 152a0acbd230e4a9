"""A scan over layers as a scan over groups of layers, each group recomputed as one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.memory.saved import Keeping

# What decides for jax.checkpoint whether a value is kept.
JaxPolicy = Callable[..., Any]


@dataclass(frozen=True)
class Stack:
    """A scan equation taken apart: its body on constants, carry and one layer's arrays.

    Which operand is which is told by the shapes, since JAX 0.10 and 0.12 count them in different ways:
    an array with a row for every layer has one dim more outside the body than inside.
    """

    equation: Any

    @property
    def length(self) -> int:
        """How many layers there are."""
        count: int = self.equation.params["length"]
        return count

    @cached_property
    def scanned_count(self) -> int:
        """How many operands have a row for every layer; they come last."""
        inside = self.equation.params["jaxpr"].in_avals
        pairs = zip(self.equation.invars, inside, strict=True)
        return sum(atom.aval.ndim > aval.ndim for atom, aval in pairs)

    @cached_property
    def carry_count(self) -> int:
        """How many results are carried from layer to layer; they come first."""
        inside = self.equation.params["jaxpr"].out_avals
        pairs = zip(self.equation.outvars, inside, strict=True)
        return sum(variable.aval.ndim == aval.ndim for variable, aval in pairs)

    def grouped(
        self,
        every: int,
        body: Callable[..., list[Any]],
        policy: Callable[..., Any] | None,
        operands: list[Any],
    ) -> list[Any]:
        """The results, keeping for the backward pass the carry before every group and what `policy` picks."""
        start = len(operands) - self.scanned_count
        first = start - self.carry_count
        constants, carry, rows = operands[:first], operands[first:start], operands[start:]
        reverse, count = self.equation.params["reverse"], self.carry_count

        def layer(carry: list[Any], row: list[Any]) -> tuple[list[Any], list[Any]]:
            results = body(*constants, *carry, *row)
            return results[:count], results[count:]

        def group(carry: list[Any], rows: list[Any]) -> Any:
            return jax.lax.scan(layer, carry, rows, length=every, reverse=reverse)

        groups = self.length // every
        cut = [jnp.reshape(row, (groups, every, *row.shape[1:])) for row in rows]
        kept = jax.checkpoint(group, policy=policy, prevent_cse=False)
        carry, out = jax.lax.scan(kept, carry, cut, length=groups, reverse=reverse)
        return [*carry, *(jnp.reshape(rows, (self.length, *rows.shape[2:])) for rows in out)]


def check_groups(layers: int, keeping: Keeping) -> None:
    """Raise AxisRulesError (AXR772) when groups of `every` do not divide so many layers."""
    policy = keeping.remat
    if layers % policy.every:
        why = f"{layers} layers are no multiple of {policy.every}"
        divisors = [n for n in range(2, layers + 1) if layers % n == 0]
        fix = (
            f"every = {min(divisors, key=lambda n: abs(n - policy.every))}"
            if divisors
            else "leave `every` out"
        )
        raise AxisRulesError(
            [catalog.REMAT_EVERY.at(policy.origin, subject=f"remat = {policy}", why=why, fix=fix)]
        )
