"""What the parts of a model cost for one microbatch, from measured times or counted FLOPs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from axisrules.pipeline.weigh import Weights
from axisrules.schedules import Costs, PartCosts

Unit = Literal["layers", "seconds"]
# Of layers their inputs are kept unless a policy says more: a layer costs its forward pass twice, a gradient
# for the inputs and one for the weights, each of which takes as many FLOPs. The head is not computed again,
# and what comes first has no gradient for its inputs.
FORWARDS_OF_LAYER, FORWARDS_OF_HEAD = 4, 3


@dataclass(frozen=True, slots=True)
class PartCost:
    """What one part costs: forward; backward for its inputs; and for its weights besides.

    Backward counts what a pipeline does there: of layers it has kept the inputs, and computes them again.
    """

    forward: float
    backward: float = 0.0
    weight: float = 0.0

    @property
    def whole(self) -> float:
        """All of it."""
        return self.forward + self.backward + self.weight


@dataclass(frozen=True, slots=True)
class ModelCosts:
    """The parts of a model in seconds, or in units of one layer that is computed twice and goes backward.

    `head` is the loss and its gradients together, as a forward cost. Measured costs say on which `device`,
    and with how many `rows` of a microbatch; modelled ones have none.
    """

    front: PartCost
    layer: PartCost
    head: PartCost
    layers: int
    unit: Unit
    rows: int = 0
    device: str = ""

    def keeping_all(self) -> "ModelCosts":
        """The same for a pipeline that keeps what the backward pass needs, and computes no layer again."""
        layer = replace(self.layer, backward=max(0.0, self.layer.backward - self.layer.forward))
        return replace(self, layer=layer)

    def parts(self, *, is_spread: bool = True) -> PartCosts:
        """Each part as one number."""
        layers = (self.layer.whole,) * self.layers
        return PartCosts(layers, self.front.whole, self.head.whole, is_spread)

    def of_stages(self, counts: Sequence[int], stages: int) -> Costs:
        """What a schedule of stages with so many layers each takes as its costs.

        In lockstep all stages take as long as the deepest, and each computes what comes first.
        """
        repeats, depth = len(counts) // stages, max(counts)
        split = self.parts().split(counts, stages)
        return Costs(
            forward=repeats * (depth * self.layer.forward + self.front.forward),
            backward=repeats * depth * self.layer.backward,
            weight=repeats * (depth * self.layer.weight + self.front.weight),
            head=self.head.whole,
            imbalance=split.imbalance,
        )


def model_costs(weights: Weights) -> ModelCosts:
    """Costs in layers, from FLOPs.

    Source: the gradients of a matrix product are two products of as many FLOPs.
    """
    forward = 1 / FORWARDS_OF_LAYER
    front = weights.front_layers * forward
    head = weights.head_layers * FORWARDS_OF_HEAD * forward
    layer = PartCost(forward, 2 * forward, forward)
    return ModelCosts(PartCost(front, 0.0, front), layer, PartCost(head), weights.layers, "layers")
