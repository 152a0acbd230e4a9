"""What training keeps between steps, held against what a chip can hold."""

from axisrules.diagnostics import Diagnostic, catalog
from axisrules.mesh import Chip
from axisrules.resolve.plan import Plan
from axisrules.rules import Kind

# Gradients live within a step only, but all of them at once; activations are the compiler's to tell.
COUNTED: tuple[Kind, ...] = ("params", "gradients", "optimizer", "cache")


def lint_memory(plan: Plan, chip: Chip) -> Diagnostic:
    """How much of a chip's memory the state takes: a note, or AXR403's error where it cannot fit.

    A lower bound: activations and the compiler's temporaries come on top.
    """
    held = {kind: plan.bytes_per_device(kind) for kind in COUNTED}
    total = sum(held.values())
    parts = " + ".join(f"{kind} {count:,}" for kind, count in held.items() if count)
    why = (
        f"{parts} = {total:,} bytes on one device, {total / chip.memory_bytes:.1%} of the"
        f" {chip.memory_bytes:,} of {chip.name} ({chip.source}); activations come on top"
    )
    fits = total <= chip.memory_bytes
    fix = "" if fits else "cut more dims, add devices to the mesh axes that cut them, or take a larger chip"
    code = catalog.STATE_MEMORY.under("allow" if fits else "error")
    return code.at(subject=f"mesh ({plan.mesh})", why=why, fix=fix)
