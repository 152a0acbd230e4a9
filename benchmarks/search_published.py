"""Three layouts that others published, and where a search would have put the same models.

python -m benchmarks.search_published

The models are the built-in decoder at the published sizes: its attention is written out, without the fused
kernels that the published runs used, and layers are recomputed whole, where two of them kept more of a layer.
So the steps are not theirs; both meshes are judged on one program.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from axisrules.mesh import parse_target
from axisrules.models import DECODER_SIZES, DecoderConfig
from axisrules.search import Budget, Candidate, make_space, reasons, search
from benchmarks.programs import decoder_program
from benchmarks.report import Figure, publish

COMPILES = 20


@dataclass(frozen=True)
class Published:
    """A model's sizes, the chips, and the layout that was reported; `source` says where."""

    name: str
    config: DecoderConfig
    batch: int
    seq: int
    target: str
    layout: Candidate
    source: str
    slices: int = 1


WIDE_22B = DecoderConfig(
    vocab=32_000, embed=6144, heads=24, kv_heads=24, head_dim=256, mlp=24_576, layers=48, dtype="bfloat16"
)
MAXTEXT = "https://github.com/AI-Hypercomputer/maxtext, MaxText/configs/"
PUBLISHED = (
    Published(
        "MaxText, Llama 2 70B on a v5p-512",
        DECODER_SIZES["70B"],
        1024,
        4096,
        "tpu:v5p:4x8x8",
        Candidate((("fsdp", 256),), remat="full"),
        f"{MAXTEXT}v5p/llama2_70b.sh",
    ),
    Published(
        "MaxText, Llama 2 70B on a v5e-256",
        DECODER_SIZES["70B"],
        512,
        2048,
        "tpu:v5e:16x16",
        Candidate((("fsdp", 256),), remat="full"),
        f"{MAXTEXT}v5e/llama2_70b.sh",
    ),
    Published(
        "MaxText, 22B on two slices of v4-128",
        WIDE_22B,
        2048,
        1024,
        "tpu:v4:4x4x4",
        Candidate((("data", 2), ("fsdp", 64)), remat="full", crossing="data", slices=2),
        f"{MAXTEXT}2xv4-128.sh",
        slices=2,
    ),
)


def figures_of(one: Published) -> Iterator[Figure]:
    """The published layout and the search's, by the same referee."""
    space = make_space(
        decoder_program(one.config, one.batch, one.seq), parse_target(one.target, slices=one.slices)
    )
    result = search(space, budget=Budget(compiles=COMPILES, finalists=0), first=[one.layout])
    theirs = next(found for found in result.scored if found.candidate == one.layout)
    best = result.best
    assert theirs.seconds, theirs.error
    assert best
    assert best.seconds
    print(f"{one.name}\n  source: {one.source}\n  theirs: {theirs.candidate}\n  found:  {best.candidate}")
    for reason in reasons(result)[:4]:
        print(f"    {reason}")
    yield Figure(f"{one.name}: candidates", len(space))
    yield Figure(f"{one.name}: theirs, step", theirs.seconds, "s")
    yield Figure(f"{one.name}: theirs, memory", (theirs.needed_bytes or 0) / 1e9, "GB")
    yield Figure(f"{one.name}: found, step", best.seconds, "s")
    yield Figure(f"{one.name}: found, memory", (best.needed_bytes or 0) / 1e9, "GB")
    yield Figure(f"{one.name}: theirs over found", theirs.seconds / best.seconds)


def main() -> int:
    """0: the figures have no limit, since the published runs had other kernels."""
    return publish("search_published", [figure for one in PUBLISHED for figure in figures_of(one)])


if __name__ == "__main__":
    sys.exit(main())
