"""What each value of a traced loss depends on: weights, the batch's rows, random keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntFlag
from typing import Any

from jax.extend.core import JaxprEqn, Var

from axisrules.diagnostics import AxisRulesError, catalog
from axisrules.memory import mixing
from axisrules.pipeline.failure import line_of
from axisrules.pipeline.inputs import Inputs
from axisrules.pipeline.trace import LOOP, VIEWS, Loop, Trace, aval, read_loop

# Of rows, these make a number that adds up over any cut of the rows.
SUMMING = frozenset({"reduce_sum", "dot_general"})
# Of sums, these make something that a sum of parts gives as well.
AFFINE = frozenset(
    {
        "add",
        "add_any",
        "sub",
        "neg",
        "convert_element_type",
        "reduce_sum",
        "transpose",
        "concatenate",
        "slice",
    }
)


class Needs(IntFlag):
    """What a value depends on."""

    NOTHING = 0
    STAGED = 1
    PARAM = 2
    ROWS = 4
    KEY = 8
    OTHER = 16


WEIGHTS = Needs.STAGED | Needs.PARAM
ROLE_NEEDS = {
    "staged": WEIGHTS,
    "param": Needs.PARAM,
    "rest": Needs.OTHER,
    "shared": Needs.OTHER,
    "key": Needs.KEY,
    "rows": Needs.ROWS,
}


@dataclass(slots=True)
class Value:
    """What is known of one value of the trace; `culprit` made it something that no sum over rows is."""

    needs: Needs
    has_rows: bool
    after_loop: bool = False
    # A row sum, or what is made of row sums alone.
    is_total: bool = False
    is_sum: bool = False
    culprit: JaxprEqn | None = None
    # Of a total: the equation that made it something that is not affine in the row sums.
    bent_by: JaxprEqn | None = None

    @property
    def is_pure(self) -> bool:
        """Whether it can be made anywhere from nothing."""
        return not self.needs

    @property
    def is_static(self) -> bool:
        """Whether it is the same for every microbatch, and worth handing over."""
        if self.is_pure or self.has_rows or self.needs & Needs.KEY or self.is_total:
            return False
        return not (self.needs & Needs.ROWS and self.needs & WEIGHTS)

    @property
    def varies(self) -> bool:
        """Whether each microbatch has its own."""
        return not self.is_pure and not self.is_static and not self.is_total


@dataclass
class Reader:
    """Walks the equations of a trace once; `twin` is the same trace for twice as many rows.

    A value with rows is one whose shape differs between the two.
    """

    trace: Trace
    twin: Trace
    inputs: Inputs
    values: dict[Var, Value] = field(default_factory=dict)
    loop_at: int | None = None
    loop_needs: list[Needs] = field(default_factory=list)

    def read(self) -> None:
        """Walk the equations once, in order."""
        for at, var in enumerate(self.trace.jaxpr.invars):
            role = self.inputs.roles[at]
            self.values[var] = Value(ROLE_NEEDS[role], role == "rows")
        for var in self.trace.constvars:
            self.values[var] = Value(Needs.NOTHING, has_rows=False)
        pairs = zip(self.trace.jaxpr.eqns, self.twin.jaxpr.eqns, strict=True)
        for at, (eqn, other) in enumerate(pairs):
            if self.is_layer_loop(eqn):
                self.enter_loop(at, eqn)
            for result, (var, twin) in enumerate(zip(eqn.outvars, other.outvars, strict=True)):
                has_rows = aval(var).shape != aval(twin).shape
                made = self.value_of(eqn, at, result, has_rows=has_rows)
                if made.needs and made.culprit is None and at != self.loop_at:
                    made.culprit = mixing(eqn, other)
                self.values[var] = made

    def is_layer_loop(self, eqn: JaxprEqn) -> bool:
        """Whether `eqn` is a loop that goes over slices of staged weights, or a list's that were stacked."""
        if eqn.primitive.name != LOOP:
            return False
        loop = read_loop(eqn)
        cut = eqn.invars[loop.consts + loop.carry :]
        staged = Needs.PARAM if self.trace.is_rolled else Needs.STAGED
        return any(value.needs & staged and not value.after_loop for value in self.known(cut))

    def enter_loop(self, at: int, eqn: JaxprEqn) -> None:
        """Note the layer loop; AXR755 for a second one."""
        if self.loop_at is not None:
            why = "two loops go over stacked layers, and a pipeline has one row of stages"
            raise AxisRulesError([catalog.NO_LAYER_LOOP.at(line_of(eqn), why=why)])
        self.loop_at = at
        loop = read_loop(eqn)
        if eqn.params["reverse"]:
            why = "the loop goes through the layers from the last to the first"
            raise AxisRulesError([catalog.NO_LAYER_LOOP.at(line_of(eqn), why=why)])
        operands = [
            self.values[atom].needs if isinstance(atom, Var) else Needs.NOTHING for atom in eqn.invars
        ]
        self.loop_needs = needs_of_loop(loop, operands)

    def known(self, atoms: Sequence[Any]) -> Iterator[Value]:
        """What is known of those atoms that are no literals."""
        return (self.values[atom] for atom in atoms if isinstance(atom, Var))

    def value_of(self, eqn: JaxprEqn, at: int, result: int, *, has_rows: bool) -> Value:
        """What is known of a result of `eqn`."""
        read = list(self.known(eqn.invars))
        is_loop = at == self.loop_at
        needs = self.loop_needs[result] if is_loop else _all_needs(read)
        culprit = next((value.culprit for value in read if value.culprit), None)
        after = is_loop or any(value.after_loop for value in read)
        made = Value(needs, has_rows, after, culprit=culprit)
        totals = [value for value in read if value.is_total]
        if totals and not is_loop:
            others = [value for value in read if not value.is_total]
            mixes = has_rows or any(value.varies or value.has_rows for value in others)
            bent = next((value.bent_by for value in totals if value.bent_by), None)
            bent = bent or (None if self.is_affine(eqn) else eqn)
            return replace(made, is_total=True, bent_by=bent, culprit=culprit or (eqn if mixes else None))
        if made.varies and not has_rows and needs & WEIGHTS and needs & Needs.ROWS:
            sums = is_loop or eqn.primitive.name in SUMMING or eqn.primitive.name in VIEWS
            return replace(made, is_total=True, is_sum=True, culprit=culprit or (None if sums else eqn))
        return made

    def is_affine(self, eqn: JaxprEqn) -> bool:
        """Whether a result of `eqn` is an affine function of the totals that it reads."""
        name = eqn.primitive.name
        places = [
            at for at, atom in enumerate(eqn.invars) if isinstance(atom, Var) and self.values[atom].is_total
        ]
        if name in AFFINE or name in VIEWS:
            return True
        if name in ("mul", "dot_general"):
            return len(places) == 1
        return (name == "div" and places == [0]) or (name == "select_n" and 0 not in places)


def _all_needs(values: Sequence[Value]) -> Needs:
    needs = Needs.NOTHING
    for value in values:
        needs |= value.needs
    return needs


def needs_of_loop(loop: Loop, operands: Sequence[Needs]) -> list[Needs]:
    """What each result of a loop depends on, from what its operands do; followed through its body."""
    body, known = loop.body.jaxpr, list(operands)
    while True:
        needs: dict[Any, Needs] = dict(zip(body.invars, known, strict=True))
        for eqn in body.eqns:
            union = Needs.NOTHING
            for atom in eqn.invars:
                union |= needs.get(atom, Needs.NOTHING) if isinstance(atom, Var) else Needs.NOTHING
            needs |= dict.fromkeys(eqn.outvars, union)
        results = [
            needs.get(atom, Needs.NOTHING) if isinstance(atom, Var) else Needs.NOTHING
            for atom in body.outvars
        ]
        grown = list(known)
        for at in range(loop.carry):
            grown[loop.consts + at] |= results[at]
        if grown == known:
            return results
        known = grown
