"""FLOPs of compiled programs against the matmuls' theory; memory of the fast path against the full one's.

Takes minutes: the full compiles go through code generation. Their results are kept in the compile cache.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

from axisrules.analysis import read_memory
from axisrules.mesh import parse_target
from axisrules.models import DECODER_SIZES, DecoderConfig
from benchmarks.described import Layout, compile_layouts
from benchmarks.programs import decoder_program
from benchmarks.report import Figure, publish
from benchmarks.theory import Theory

SMALL = DecoderConfig(
    vocab=32_000, embed=1024, heads=16, kv_heads=16, head_dim=64, mlp=4096, layers=2, dtype="bfloat16"
)
BATCH, SEQ = 16, 512
V5E = parse_target("tpu:v5e:2x4")
H100 = parse_target("gpu:h100:1x8")
SMALL_LAYOUTS = (Layout("dp", "data=8", V5E), Layout("fsdp", "fsdp=8", V5E), Layout("tp", "tensor=8", V5E))
LARGE_LAYOUT = Layout("fsdp_tp", "fsdp=64,tensor=8", parse_target("tpu:v5p:8x8x8"))
# A batch that fits: where memory is short, XLA computes matmuls again, and FLOPs are not those of theory.
LARGE_BATCH, LARGE_SEQ = 64, 2048


def flops(config: DecoderConfig, batch: int, seq: int, layout: Layout) -> Figure:
    """How far the program's FLOPs, on all devices together, are from the matmuls'."""
    (found,) = compile_layouts(decoder_program(config, batch, seq), [layout])
    all_devices = found.estimate.flops * found.step.mesh.device_count
    apart = abs(all_devices / Theory(config, batch, seq).dot_flops - 1) * 100
    chip = layout.target.chip_name
    name = f"FLOPs, {config.layers} layers of {config.embed}, {layout.name}, {chip}: from theory"
    return Figure(name, apart, "%", at_most=0.1)


def memory(config: DecoderConfig, batch: int, seq: int, layouts: tuple[Layout, ...]) -> Iterator[Figure]:
    """How far the fast path's bytes are from the peak that the compiler states after code generation."""
    program = decoder_program(config, batch, seq)
    fast, full = (compile_layouts(program, layouts, mode) for mode in ("fast", "full"))
    limit = 5.0 if config.layers < 10 else 15.0
    for layout, quick, whole in zip(layouts, fast, full, strict=True):
        assert whole.step.memory, "a full compile knows its memory"
        assigned = read_memory(quick.step.buffers_text, platform=layout.target.platform).total_bytes
        stated = whole.step.memory.peak_bytes
        name = f"memory, {config.layers} layers of {config.embed}, {layout.name}"
        yield Figure(f"{name}: fast", assigned / 2**30, "GiB")
        yield Figure(f"{name}: full", stated / 2**30, "GiB")
        yield Figure(f"{name}: apart", abs(assigned / stated - 1) * 100, "%", at_most=limit)


def main() -> int:
    """0 when FLOPs are exact and memory is close."""
    large = DECODER_SIZES["70B"]
    figures = [flops(replace(SMALL, layers=layers), BATCH, SEQ, SMALL_LAYOUTS[1]) for layers in (1, 2, 80)]
    figures += [
        flops(SMALL, BATCH, SEQ, layout) for layout in (*SMALL_LAYOUTS, Layout("fsdp", "fsdp=8", H100))
    ]
    figures.append(flops(large, LARGE_BATCH, LARGE_SEQ, LARGE_LAYOUT))
    figures += memory(SMALL, BATCH, SEQ, SMALL_LAYOUTS)
    figures += memory(large, LARGE_BATCH, LARGE_SEQ, (LARGE_LAYOUT,))
    return publish("flops_memory", figures)


if __name__ == "__main__":
    sys.exit(main())
