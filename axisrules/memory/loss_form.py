"""Whether a loss is a sum over tokens, or such a sum over a count: told by the equations after the sum.

Gradients of parts add up to the gradient of the whole only for such a loss. The walk starts at the
loss and goes back to the reduction that it comes from; what it does not know it lets pass.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jax
from jax.extend.core import Jaxpr, Literal

from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog
from axisrules.memory.row_mixing import all_mixing
from axisrules.rules import Accumulate

# These hand their first operand on as it is.
PASSING = {
    "convert_element_type", "copy", "name", "neg", "optimization_barrier", "reshape", "sharding_constraint",
    "squeeze", "stop_gradient",
}  # fmt: skip
# A function of a sum is no sum of functions.
BENDING = {
    "abs", "cbrt", "cos", "exp", "exp2", "expm1", "integer_pow", "log", "log1p", "logistic", "max", "min",
    "pow", "reduce_max", "reduce_min", "rsqrt", "sin", "sqrt", "square", "tanh",
}  # fmt: skip
SUMMING = {"reduce_sum", "dot_general"}


@dataclass(frozen=True)
class Term:
    """One batch-dependent term of a loss: a sum times `scale`, unless something else became of it.

    `scale` is None where it is not a number of the program; `bent_by` names what was done to the sum
    that is not linear; with `is_counted` it is divided by a number that depends on the batch.
    """

    scale: float | None = 1.0
    bent_by: str = ""
    is_counted: bool = False


def check_loss(objective: Callable[..., Any], whole: Any, wanted: Accumulate, part: Any) -> None:
    """Raise AxisRulesError unless gradients of parts are the gradient of the whole, as far as can be told.

    `whole` are the arguments (params, rest, batch, key) of `objective`, and `part` the shapes of one
    part of that batch. AXR774: the loss is no sum over tokens, or not the mean or sum that `wanted`
    says. AXR775: a mean over a count that depends on the batch, which no metric tells.
    """
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), whole)
    params, rest, batch, key = shapes
    whole_jaxpr, whole_terms, metrics = terms_of(objective, (params, rest, batch, key))
    part_jaxpr, part_terms, part_metrics = terms_of(objective, (params, rest, part, key))
    found = [
        *_mixing_findings(wanted, whole_jaxpr, part_jaxpr),
        *_weight_findings(wanted, whole_terms, metrics),
        *_form_findings(wanted, whole_terms, part_terms),
        *_metric_findings(wanted, metrics, part_metrics),
    ]
    if found:
        raise AxisRulesError(found)


def terms_of(objective: Callable[..., Any], args: Any) -> tuple[Jaxpr, list[Term], dict[str, Any]]:
    """The loss as equations, its batch-dependent terms, and the shapes of its metrics."""
    closed, shapes = jax.make_jaxpr(objective, return_shape=True)(*args)
    before, batch = (len(jax.tree.leaves(part)) for part in (args[:2], args[2]))
    jaxpr = closed.jaxpr
    walk = _Walk(jaxpr, set(jaxpr.invars[before : before + batch]))
    return jaxpr, list(walk.terms(jaxpr.outvars[0])), shapes[1][0]


class _Walk:
    """Goes back through one jaxpr from a result; `varying` are the inputs that depend on the batch.

    The jaxpr of a call inside another knows what it was `given` for its inputs, and the walk `around`.
    """

    def __init__(
        self, jaxpr: Any, varying: set[Any], given: dict[Any, Any] | None = None, around: Any = None
    ) -> None:
        self.given, self.around = given or {}, around
        self.producers = {variable: equation for equation in jaxpr.eqns for variable in equation.outvars}
        self.varying = set(varying)
        for equation in jaxpr.eqns:
            if any(self.depends(atom) for atom in equation.invars):
                self.varying.update(equation.outvars)

    def depends(self, atom: Any) -> bool:
        """Whether the batch has a part in `atom`."""
        return not isinstance(atom, Literal) and atom in self.varying

    def terms(self, atom: Any) -> Iterator[Term]:
        """The terms that add up to `atom`."""
        if not self.depends(atom):
            return
        if atom in self.given:
            yield from self.around.terms(self.given[atom])
            return
        equation = self.producers.get(atom)
        name = equation.primitive.name if equation else ""
        operands = equation.invars if equation else []
        if name in PASSING:
            yield from self.terms(operands[0])
        elif name in ("add", "add_any", "sub"):
            yield from self.terms(operands[0])
            yield from self.terms(operands[1])
        elif name == "select_n":
            yield from (term for case in operands[1:] for term in self.terms(case))
        elif name in ("mul", "div"):
            yield from self.scaled(name, *operands)
        elif name in SUMMING:
            yield Term()
        elif name in BENDING and any(not atom.aval.shape and self.depends(atom) for atom in operands):
            yield Term(bent_by=name)
        elif "jaxpr" in (equation.params if equation else {}):
            yield from self.inside(equation, atom)
        else:
            yield Term(scale=None)

    def scaled(self, name: str, left: Any, right: Any) -> Iterator[Term]:
        """The terms of a product or a quotient."""
        if self.depends(left) and self.depends(right):
            yield Term(is_counted=True) if name == "div" else Term(bent_by="a product of two sums")
            return
        sums, other = (left, right) if self.depends(left) else (right, left)
        number = self.number(other)
        if name == "div" and sums is right:
            yield Term(bent_by="a division by the sum")
            return
        for term in self.terms(sums):
            if number is None or term.scale is None:
                yield Term(None, term.bent_by, term.is_counted)
            else:
                scale = term.scale / number if name == "div" else term.scale * number
                yield Term(scale, term.bent_by, term.is_counted)

    def number(self, atom: Any) -> float | None:
        """The number that `atom` is in the program, where it is one."""
        if isinstance(atom, Literal):
            return float(atom.val) or None
        if atom in self.given:
            number: float | None = self.around.number(self.given[atom])
            return number
        equation = self.producers.get(atom)
        if equation is None or equation.primitive.name not in PASSING:
            return None
        return self.number(equation.invars[0])

    def inside(self, equation: Any, atom: Any) -> Iterator[Term]:
        """The terms of a result of a jitted function, from within it."""
        body = equation.params["jaxpr"]
        inner = getattr(body, "jaxpr", body)
        if equation.primitive.name == "scan" or len(inner.invars) != len(equation.invars):
            yield Term(scale=None)
            return
        given = dict(zip(inner.invars, equation.invars, strict=True))
        varying = {variable for variable, outside in given.items() if self.depends(outside)}
        result = inner.outvars[list(equation.outvars).index(atom)]
        yield from _Walk(inner, varying, given, self).terms(result)


def _weight_findings(wanted: Accumulate, terms: list[Term], metrics: dict[str, Any]) -> Iterator[Diagnostic]:
    subject = f"accumulate = {wanted}"
    if wanted.weight and getattr(metrics.get(wanted.weight), "shape", None) != ():
        known = ", ".join(f"`{name}`" for name, shape in metrics.items() if shape.shape == ()) or "none"
        why = f"no metric of the loss is a number called `{wanted.weight}`; those that it gives: {known}"
        fix = f'return (loss, {{"{wanted.weight}": number of tokens}}) from the loss'
        yield catalog.UNKNOWN_WEIGHT.at(wanted.origin, subject=subject, why=why, fix=fix)
    elif not wanted.weight and any(term.is_counted for term in terms):
        why = "the loss divides a sum by a number that depends on the batch, and tells nobody that number"
        fix = f'return (loss, {{"tokens": number}}), and say {_with_weight(wanted, "tokens")}'
        yield catalog.UNKNOWN_WEIGHT.at(wanted.origin, subject=subject, why=why, fix=fix)


def _mixing_findings(wanted: Accumulate, whole: Jaxpr, part: Jaxpr) -> Iterator[Diagnostic]:
    for eqn in islice(all_mixing(whole, part, is_square=True), 1):
        why = f"the loss lets rows of the batch meet: `{eqn.primitive.name}` makes {eqn.outvars[0].aval}"
        fix = "leave `accumulate` out: a part of the batch has fewer rows to be held against"
        yield catalog.LOSS_NOT_A_SUM.at(wanted.origin, subject=f"accumulate = {wanted}", why=why, fix=fix)


def _form_findings(wanted: Accumulate, whole: list[Term], part: list[Term]) -> Iterator[Diagnostic]:
    subject = f"accumulate = {wanted}"
    for term in whole:
        if term.bent_by:
            why = f"the loss is {term.bent_by} of a sum over the batch, and parts of it do not add up"
            fix = "let the loss be a mean or a sum over tokens, and give the other number as a metric"
            yield catalog.LOSS_NOT_A_SUM.at(wanted.origin, subject=subject, why=why, fix=fix)
            return
    for one, other in zip(whole, part, strict=False):
        if one.scale is None or other.scale is None or one.is_counted or not one.scale:
            continue
        # A mean over a part divides by less than a mean over the whole; a sum is scaled alike.
        is_sum = abs(other.scale / one.scale - 1) < 1e-6
        if is_sum != (wanted.loss == "sum"):
            is_what, said = ("sum", "mean") if is_sum else ("mean", "sum")
            why = f"the loss is a {is_what} over the batch, and accumulation was told a {said}"
            fix = _with_loss(wanted, is_what)
            yield catalog.LOSS_NOT_A_SUM.at(wanted.origin, subject=subject, why=why, fix=fix)
            return


def _metric_findings(wanted: Accumulate, whole: dict[str, Any], part: dict[str, Any]) -> Iterator[Diagnostic]:
    for name in whole:
        shapes = [jax.tree.map(lambda leaf: leaf.shape, metrics[name]) for metrics in (whole, part)]
        if shapes[0] != shapes[1]:
            why = f"the metric `{name}` has the shape {shapes[0]} for the batch and {shapes[1]} for a part"
            fix = "reduce it over the rows in the loss, or take it from an eval_step"
            yield catalog.LOSS_NOT_A_SUM.at(wanted.origin, subject=f"accumulate = {wanted}", why=why, fix=fix)


def _with_weight(wanted: Accumulate, weight: str) -> str:
    return f'accumulate = {{ microbatches = {wanted.microbatches}, weight = "{weight}" }}'


def _with_loss(wanted: Accumulate, loss: str) -> str:
    return f'accumulate = {{ microbatches = {wanted.microbatches}, loss = "{loss}" }}'
