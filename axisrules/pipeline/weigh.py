"""What the parts of a model cost: front, each layer, and head, from the traced loss."""

from dataclasses import dataclass

from axisrules.adapters import Program
from axisrules.pipeline.inputs import read_inputs
from axisrules.pipeline.loss import cut_loss
from axisrules.pipeline.split import Split
from axisrules.pipeline.work import flops


@dataclass(frozen=True, slots=True)
class Weights:
    """Forward FLOPs of a whole batch: what comes before the layers, one layer, and what comes after."""

    front: float
    layer: float
    head: float
    layers: int

    @property
    def head_layers(self) -> float:
        """The head in layers."""
        return self.head / self.layer if self.layer else 0.0

    @property
    def front_layers(self) -> float:
        """What comes before the layers, in layers."""
        return self.front / self.layer if self.layer else 0.0


def weigh_program(program: Program) -> Weights:
    """The cost of each part of a program's loss; nothing is compiled. Raises what `cut_loss` does."""
    return weigh(cut_loss(program, read_inputs(program))[0])


def weigh(split: Split) -> Weights:
    """The cost of each part of a loss that has been cut."""
    trace = split.trace
    given = {trace.atom(name) for name in split.statics}
    carried = [trace.atom(name) for name in (*split.carry, *split.extras)]
    front = flops(trace.needed(carried, given))
    loop = trace.loop
    after = given | set(loop.eqn.outvars) | {trace.atom(name) for name in split.extras}
    head = flops(trace.needed([trace.atom(name) for name in split.sums], after))
    return Weights(front, flops(loop.body.jaxpr.eqns), head, loop.length)
