"""What a table says of memory: what is recomputed, and in how many parts a batch is taken."""

from dataclasses import dataclass, field
from typing import Literal

from axisrules.diagnostics import Origin

# In the place of a module path: the layers, wherever the model keeps them.
LAYERS = "full"
NO_REMAT = "none"

# What attention modules are called in Flax models: `attention`, `self_attn`, `MultiHeadAttention_0`.
ATTENTION = (
    "attention",
    "*_attention",
    "attention_?",
    "attn",
    "*_attn",
    "attn_?",
    "*Attention",
    "*Attention_?",
)

LossIs = Literal["mean", "sum"]
LOSS_IS: tuple[LossIs, ...] = ("mean", "sum")


@dataclass(frozen=True, slots=True)
class Remat:
    """Modules that keep nothing but their inputs for the backward pass, and are computed anew there.

    `recompute` has path patterns of modules, matched at any depth, or LAYERS. `save` names what is kept
    inside them all the same, and `offload` what is kept in the host's memory: each the logical axes of
    an activation ("batch seq mlp"), a name that the model gave with `checkpoint_name`, or the path
    pattern of a module whose results are meant. `every` layers are recomputed as one.
    """

    recompute: tuple[str, ...] = (LAYERS,)
    save: tuple[str, ...] = ()
    offload: tuple[str, ...] = ()
    every: int = 1
    name: str = field(default="", compare=False)
    origin: Origin = field(default=Origin("<python>"), compare=False)

    def __str__(self) -> str:
        what = self.name or " ".join(self.recompute)
        parts = [f"every {self.every} layers"] if self.every > 1 else []
        parts += [
            f"{word} {', '.join(items)}"
            for word, items in (("save", self.save), ("offload", self.offload))
            if items
        ]
        return f"{what} ({'; '.join(parts)})" if parts else what


@dataclass(frozen=True, slots=True)
class Accumulate:
    """Gradients summed over `microbatches` parts of a batch, one after the other.

    `weight` is the metric of the loss that tells how many tokens a mean was taken over; without it all
    parts weigh alike. `loss` says whether the loss is a mean over tokens or their sum.
    """

    microbatches: int
    weight: str = ""
    loss: LossIs = "mean"
    origin: Origin = field(default=Origin("<python>"), compare=False)

    def __str__(self) -> str:
        parts = [f"weighted by {self.weight}"] if self.weight else []
        parts += ["a sum"] if self.loss == "sum" else []
        return f"{self.microbatches} microbatches" + (f" ({', '.join(parts)})" if parts else "")


# What a single word in `recompute` stands for.
NAMED_REMATS: dict[str, tuple[str, ...]] = {NO_REMAT: (), LAYERS: (LAYERS,), "attention": ATTENTION}


def named_remat(name: str) -> tuple[Remat, ...]:
    """The policies that `remat = "NAME"` means, for a name of NAMED_REMATS.

    >>> str(named_remat("full")[0])
    'full'
    """
    recompute = NAMED_REMATS[name]
    return (Remat(recompute, name=name),) if recompute else ()
