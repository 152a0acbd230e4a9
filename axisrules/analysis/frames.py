"""Where an operation comes from: modules, direction and scopes from its name, lines from its stack."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from axisrules.analysis.hlo import SourceLine
from axisrules.analysis.ledger import Direction
from axisrules.analysis.shape import split_level

# `jvp(Decoder)`, `transpose(jvp(Decoder))`, `vmap(...)`, `jit(traced)`: a transformation and what it wraps.
_WRAPPED = re.compile(r"(\w+)\((.*)\)\Z", re.DOTALL)
_TRANSFORMATIONS = {"jvp", "transpose", "vmap", "pmap", "rematted_computation", "checkpoint", "remat"}
# What JAX adds to a name stack of its own accord.
_MACHINERY = {
    "body", "call_exported", "checkpoint", "closed_call", "cond", "core_call", "custom_jvp_call",
    "custom_vjp_call", "custom_vjp_call_jaxpr", "eval_jaxpr", "pjit", "remat", "rematted_computation",
    "scan", "shard_map", "while", "xla_call",
}  # fmt: skip
_BRANCH = re.compile(r"branch_\d+_fun\Z")
# Named scopes that axisrules puts around activations.
_SCOPE = re.compile(r"axr\(.*\)\Z", re.DOTALL)
# Libraries whose lines never stand in a user's model.
_LIBRARY = re.compile(
    r"[/\\](?:site|dist)-packages[/\\](?:jax|jaxlib|flax|optax|orbax|chex)[/\\]"
    r"|[/\\]jax[/\\](?:_src|experimental)[/\\]|[/\\]flax[/\\](?:linen|nnx|core)[/\\]|[/\\]optax[/\\]"
    r"|\A<frozen "
)
_OWN = re.compile(r"[/\\]axisrules[/\\](?:(\w+)[/\\]\w+|__\w+__)\.py\Z")
_OPTIMIZER = re.compile(r"[/\\]optax[/\\]")


def names_of_operands(op_name: str) -> tuple[str, ...]:
    """The names that XLA merged into one when it combined operations; the name itself for a single one.

    Where it joined names by `;`, the first one counts: the others are of what was fused into it.

    >>> names_of_operands("layers/(norm/mul:mlp/(up:down)/dot)")
    ('layers/norm/mul', 'layers/mlp/up/dot', 'layers/mlp/down/dot')
    """
    names = [""]
    op_name = next(iter(split_level(op_name, ";")), "")
    for part in split_level(op_name, "/"):
        variants = [part]
        if part.startswith("(") and part.endswith(")"):
            alternatives = split_level(part[1:-1], ":")
            variants = [name for alternative in alternatives for name in names_of_operands(alternative)]
        names = [f"{name}/{variant}" if name else variant for name in names for variant in variants]
    return tuple(names) if op_name else ()


def module_path(op_name: str) -> str:
    """The modules around an operation, outermost first: `Decoder/layers/attention`; empty outside of any.

    What JAX adds (transformations, loops, calls, the primitive's own name at the end), the equations of
    einsums, methods (`attention.project`) and scopes of axisrules are left out.

    >>> module_path("jit(step)/transpose(jvp(Decoder))/while/body/closed_call/layers/mlp/dot_general")
    'Decoder/layers/mlp'
    """
    kept: list[str] = []
    for part in _unwrapped(split_level(op_name, "/")[:-1]):
        is_method = bool(kept) and part.startswith(kept[-1] + ".")
        is_equation = "->" in part or "," in part
        is_own = part in _MACHINERY or _BRANCH.match(part) or _SCOPE.match(part) or _WRAPPED.match(part)
        if part and not (is_method or is_equation or is_own):
            kept.append(part)
    return "/".join(kept)


def module_classes(stack: Iterable[SourceLine]) -> str:
    """The classes whose `__call__` the user's lines stand in, outermost first: `Decoder/Block/Attention`.

    What is left of the module path where a library, NNX for one, puts no names on its operations.
    """
    names: list[str] = []
    for line in reversed([line for line in stack if not _is_library(line)]):
        name, _, method = line.function.rpartition(".")
        if method == "__call__" and "<" not in name and names[-1:] != [name]:
            names.append(name)
    return "/".join(names)


def scopes_of(op_name: str) -> tuple[str, ...]:
    """The scopes that axisrules put around the operation, outermost first, as they stand in its name."""
    return tuple(part for part in _unwrapped(split_level(op_name, "/")) if _SCOPE.match(part))


def direction_of(op_name: str, stack: Iterable[SourceLine]) -> Direction:
    """Whether an operation belongs to the forward pass, the backward pass or the optimizer's update.

    What the chain rule transposed is backward, recomputed activations with it. Of the rest, what optax
    computes, or what comes after a derivative outside of it, is update.
    """
    parts = split_level(op_name, "/")
    if any(part.startswith("transpose(") or part == "rematted_computation" for part in parts):
        return "backward"
    if any(part.startswith("jvp(") for part in parts):
        return "forward"
    is_optimizer = any(_OPTIMIZER.search(line.file) for line in stack)
    return "update" if is_optimizer else "forward"


def user_line(stack: Iterable[SourceLine]) -> SourceLine | None:
    """The innermost line of a stack that is no library's: the model's own, or None where there is none.

    JAX, Flax, optax and axisrules are skipped; axisrules' built-in models count as a user's.
    """
    return next((line for line in stack if not _is_library(line)), None)


def _is_library(line: SourceLine) -> bool:
    own = _OWN.search(line.file)
    return bool(_LIBRARY.search(line.file)) or (own is not None and own[1] in _own_folders())


@cache
def _own_folders() -> frozenset[str | None]:
    """The folders of axisrules, by name, and None for the package's own files; not the models."""
    folders = {folder.name for folder in Path(__file__).parents[1].iterdir() if folder.is_dir()}
    return frozenset({*folders - {"models"}, None})


def _unwrapped(parts: Iterable[str]) -> Iterable[str]:
    """The parts of a name without the transformations around them."""
    for part in parts:
        inner = part
        while (wrapped := _WRAPPED.match(inner)) and wrapped[1] in _TRANSFORMATIONS:
            inner = wrapped[2]
        yield inner
