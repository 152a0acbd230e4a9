"""Six (model, target) pairs whose spaces are small enough to compile whole."""

from dataclasses import dataclass

from axisrules.mesh import parse_target
from axisrules.models import DecoderConfig
from axisrules.search import Space, make_space, parse_constraints
from benchmarks.programs import decoder_program

DENSE_2B = DecoderConfig(
    vocab=32_000, embed=2048, heads=16, kv_heads=8, head_dim=128, mlp=8192, layers=16, dtype="bfloat16"
)
DENSE_7B = DecoderConfig(
    vocab=32_000, embed=4096, heads=32, kv_heads=8, head_dim=128, mlp=14_336, layers=32, dtype="bfloat16"
)
EXPERTS = DecoderConfig(
    vocab=32_000,
    embed=2048,
    heads=16,
    kv_heads=8,
    head_dim=128,
    mlp=4096,
    layers=8,
    experts=8,
    experts_per_token=2,
    dtype="bfloat16",
)
PLAIN = ("remat=none", "accumulate=1")


@dataclass(frozen=True)
class Pair:
    """A model on a target, with what its search may choose."""

    name: str
    config: DecoderConfig
    batch: int
    seq: int
    target: str
    mesh: str
    slices: int = 1
    fixed: tuple[str, ...] = PLAIN
    forbidden: tuple[str, ...] = ()

    def space(self) -> Space:
        """Every candidate of the pair."""
        return make_space(
            decoder_program(self.config, self.batch, self.seq),
            parse_target(self.target, slices=self.slices),
            parse_constraints(self.fixed, self.forbidden, self.mesh),
        )


PAIRS = (
    Pair("dense on v5e", DENSE_2B, 32, 1024, "tpu:v5e:4x4", "data=*,fsdp=*,tensor=*"),
    Pair(
        "experts on v5e",
        EXPERTS,
        32,
        1024,
        "tpu:v5e:4x4",
        "data=*,fsdp=*,expert=*,tensor=1..4",
        forbidden=("sharded=optimizer",),
    ),
    Pair(
        "dense on v5p, with remat",
        DENSE_7B,
        32,
        2048,
        "tpu:v5p:2x2x4",
        "data=*,fsdp=*,tensor=*",
        fixed=("heads=tensor", "mlp=tensor"),
        forbidden=("sharded=optimizer", "accumulate=4", "accumulate=8"),
    ),
    Pair(
        "dense on H100",
        DENSE_2B,
        32,
        1024,
        "gpu:h100:1x8",
        "data=*,fsdp=*,tensor=*",
        fixed=("remat=none",),
        forbidden=("accumulate=4", "accumulate=8"),
    ),
    Pair(
        "experts on H100",
        EXPERTS,
        32,
        1024,
        "gpu:h100:1x8",
        "data=*,fsdp=*,expert=*,tensor=*",
    ),
    Pair(
        "dense on two slices of v5e",
        DENSE_2B,
        32,
        1024,
        "tpu:v5e:2x2",
        "stage=*,data=*,fsdp=*,tensor=1..2",
        slices=2,
        forbidden=("sharded=optimizer", "microbatches=2", "microbatches=16"),
    ),
)
