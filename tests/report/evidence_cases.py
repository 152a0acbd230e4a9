"""Evidence made by hand: layouts of a decoder on described chips, with all that reports show of them."""

from dataclasses import replace
from itertools import product

from axisrules.analysis import (
    AxisPart,
    Collective,
    CostTerm,
    Ledger,
    LoopStep,
    SourceLine,
    StepEstimate,
)
from axisrules.diagnostics import CATALOG, Origin
from axisrules.evidence import Comparison, LayoutEvidence, PipelineFacts
from axisrules.mesh import parse_mesh, parse_target
from axisrules.resolve import Leaf, Plan, survey
from axisrules.rules import load_rules

GIB = 2**30
LAYERS = 32
SHAPES = {
    "embedding": ((32000, 4096), ("vocab", "embed")),
    "layers/attention/query": ((LAYERS, 4096, 32, 128), ("layers", "embed", "heads", "head_dim")),
    "layers/attention/out": ((LAYERS, 32, 128, 4096), ("layers", "heads", "head_dim", "embed")),
    "layers/mlp/up": ((LAYERS, 4096, 14336), ("layers", "embed", "mlp")),
    "layers/mlp/down": ((LAYERS, 14336, 4096), ("layers", "mlp", "embed")),
    "layers/norm/scale": ((LAYERS, 4096), ("layers", "norm")),
}


def decoder_plan(table: str, mesh: str, *more: Leaf) -> Plan:
    prefixes = [("params", ""), ("gradients", ""), ("optimizer", "0/mu/"), ("optimizer", "0/nu/")]
    leaves = [
        Leaf(prefix + path, kind, shape, "float32", 4, axes)
        for kind, prefix in prefixes
        for path, (shape, axes) in SHAPES.items()
    ]
    inputs = Leaf("inputs", "batch", (256, 4096), "int32", 4, ("batch", "seq"))
    return survey([*leaves, inputs, *more], load_rules(table), parse_mesh(mesh))


def collective(kind: str, mesh_axis: str, payload: int, **facts) -> Collective:
    """A collective of all layers over a whole mesh axis of eight."""
    made = Collective(
        kind=kind,
        instruction=f"%{kind}.{payload}",
        computation="%body",
        operand=0,
        operand_count=1,
        count=LAYERS,
        payload_bytes=payload,
        wire_bytes=payload * 7 // 8,
        dtype="bf16",
        shape=(payload // 2,),
        group_size=8,
        axes=(AxisPart(mesh_axis, 8, 1, 8),),
        network="ici",
        direction="forward",
        module_path="Decoder/layers/mlp",
        op_name="jit(step)/Decoder/layers/mlp/dot_general",
        source=SourceLine("models/decoder.py", 40, "Mlp.__call__"),
        loops=(LoopStep("%while", LAYERS),),
        logical_axes=("embed",),
        rules=("fsdp.toml:12",),
        leaves=("params:layers/mlp/up",),
    )
    return replace(made, **facts)


LEDGER = Ledger(
    (
        collective("all-gather", "fsdp", 48 << 20),
        collective("all-gather", "fsdp", 48 << 20, instruction="%ag.2", direction="backward"),
        collective(
            "reduce-scatter", "fsdp", 24 << 20, direction="backward", module_path="Decoder/layers/attention"
        ),
        collective("all-reduce", "data", 1 << 20, network="dcn", direction="update", count=1, loops=()),
        collective("all-to-all", "fsdp", 4096, is_conditional=True, source=None, module_path=""),
    )
)


def estimate(**seconds: float) -> StepEstimate:
    """An estimate of so many seconds for each resource; a fifth more of each runs beside other work."""
    axes = {"ICI": ("fsdp",), "NVLink": ("fsdp",), "DCN": ("data",)}
    terms = tuple(CostTerm(name, axes.get(name, ()), time, 1.2 * time) for name, time in seconds.items())
    return StepEstimate(terms, 3.0e12, 4.59e14, uses_compiler_cycles=False)


PIPELINE = PipelineFacts(
    schedule="interleaved",
    stages=4,
    microbatches=16,
    repeats=2,
    split=(4,) * 8,
    microbatch_rows=2,
    is_head_spread=True,
    ticks=70,
    trips=(7, 28, 7),
    bubble=0.0857,
    imbalance=0.0,
    peak_live=11,
    ring=13,
)
TARGET = parse_target("tpu:v5p:4x4x4")
COORDS = tuple((x, y, z) for z, y, x in product(range(4), repeat=3))


def layout(rules: str, mesh: str, **facts) -> LayoutEvidence:
    """A layout that fits and whose step is 8 ms of compute, 2 ms of memory and 1 ms of communication."""
    made = LayoutEvidence(
        rules=rules,
        mesh=parse_mesh(mesh),
        target=TARGET,
        mode="fast",
        plan=decoder_plan(rules, mesh),
        ledger=LEDGER,
        estimate=estimate(compute=8e-3, HBM=2e-3, ICI=1e-3),
        flops=3.0e12,
        param_bytes=4 * GIB,
        optimizer_bytes=8 * GIB,
        gradient_bytes=4 * GIB,
        temporary_bytes=31 * GIB,
        needed_bytes=48 * GIB,
        hbm_bytes=95 * GIB,
        step_seconds=11e-3,
        device_coords=COORDS,
        compile_seconds=2.6,
    )
    return replace(made, **facts)


FINDING = CATALOG["AXR401"].at(Origin("rules.toml", 3), subject="params:x", why="6 is not a multiple of 4")
COMPARISON = Comparison(
    model="decoder of 32 layers",
    rows=(
        layout(
            "fsdp",
            "fsdp=64",
            estimate=estimate(compute=8e-3, HBM=2e-3, ICI=5e-3, DCN=1e-3),
            step_seconds=16e-3,
            findings=(FINDING,),
        ),
        layout("fsdp_tp", "fsdp=16,tensor=4"),
        layout(
            "dp", "data=64", param_bytes=28 * GIB, optimizer_bytes=56 * GIB, needed_bytes=120 * GIB,
            ledger=Ledger(()), temporary_bytes=32 * GIB,
        ),
        layout(
            "tp", "data=8,tensor=8", plan=None, ledger=None, estimate=None, step_seconds=None, flops=None,
            param_bytes=None, optimizer_bytes=None, gradient_bytes=None, temporary_bytes=None,
            needed_bytes=None, hbm_bytes=None, error="the compiler was killed <signal 9>\nits last words",
        ),
        layout(
            "fsdp", "fsdp=8", target=parse_target("gpu:h100:1x8"), hbm_bytes=74 * GIB,
            device_coords=tuple((0, gpu) for gpu in range(8)), step_seconds=80e-3,
            estimate=estimate(compute=70e-3, HBM=9e-3, NVLink=1e-3),
        ),
    ),
    versions={"jax": "0.10.2", "libtpu": "0.0.42.1"},
    machine="a laptop",
)  # fmt: skip
