"""Inferred axes as Flax metadata: a patch to the source of the model, for its author to review.

A parameter is placed where its owner's class makes it: `self.param("w", init, ...)` and `nn.Dense(...)` in
linen, `nnx.Param(...)` and `nnx.Linear(...)` in nnx. What cannot be placed without doubt, such as a class
whose instances have different axes, is listed above the patch instead.
"""

import ast
import difflib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flax
import jax
from flax import linen as nn
from flax import nnx

from axisrules.adapters.record import recording
from axisrules.axes import AxisNames

if TYPE_CHECKING:
    from axisrules.adapters.wrapped import Wrapped

FLAX = Path(flax.__path__[0])
# Flax's own initialisers, where a layer's call names none.
DEFAULTS = {
    "kernel": "initializers.lecun_normal()",
    "embedding": "initializers.variance_scaling(1.0, 'fan_in', 'normal', out_axis=0)",
    "bias": "initializers.zeros",
    "scale": "initializers.ones",
}
PARTITIONING = {"linen": "with_logical_partitioning", "nnx": "with_partitioning"}


@dataclass(frozen=True)
class _Edit:
    """Text to put in the place of what stands between two positions (line from 0, column in characters)."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


def export_flax(wrapped: "Wrapped") -> str:
    """A unified diff that annotates the model's source with the axes that may be acted upon.

    Above it, as comments, every parameter that has axes and no place in the diff.
    """
    classes = _module_classes(wrapped)
    edits: dict[Path, dict[tuple[int, int], set[_Edit]]] = {}
    lost: list[str] = []
    for path, names in wrapped.program.param_axes.items():
        if not names or not any(names):
            continue
        placed = _place(path, names, classes, wrapped.program.api)
        if placed is None:
            lost.append(f"# {path}: {names}\n")
        else:
            file, edit = placed
            edits.setdefault(file, {}).setdefault(edit.end, set()).add(edit)
    diffs = []
    for file, places in edits.items():
        doubtful = {
            end for end, found in places.items() if len({e.text for e in found if e.start == end}) > 2
        }
        chosen = [edit for end, found in places.items() if end not in doubtful for edit in found]
        diffs.append(_diff(file, chosen))
    head = ["# not placed:\n", *lost] if lost else []
    return "".join([*head, *diffs]) or "# no parameter has axes that may be acted upon\n"


def _module_classes(wrapped: "Wrapped") -> dict[str, type]:
    """The class of every module, by path."""
    probe, program = wrapped.probe, wrapped.program
    found: dict[str, type] = {}

    def note(method: Any, args: Any, kwargs: Any, context: Any) -> Any:
        if context.module.scope is not None:
            found.setdefault("/".join(context.module.path), type(context.module))
        return method(*args, **kwargs)

    def called(params: Any, rest: Any, key: Any, batch: Any) -> Any:
        model = probe.reading.bind(params, rest, key)
        if isinstance(model, nnx.Module):
            for parts, module in nnx.iter_modules(model):
                found["/".join(map(str, parts))] = type(module)
        with nn.intercept_methods(note):
            return probe.loss(model, batch)

    key = jax.eval_shape(jax.random.key, 0)
    with recording(None), probe.own.seen():
        jax.eval_shape(called, program.params, program.rest, key, program.batch)
    return found


def _place(path: str, names: AxisNames, classes: dict[str, type], api: str) -> tuple[Path, _Edit] | None:
    """The file and the edit that annotates one parameter; None where its call is not found."""
    *parents, variable = path.split("/")
    for depth in range(len(parents), -1, -1):
        owner = classes.get("/".join(parents[:depth]))
        source = _source(owner) if owner else None
        if source is None:
            continue
        child = parents[depth] if depth < len(parents) else variable
        own = depth == len(parents)
        calls = list(_calls(source.tree, child, own=own))
        if len(calls) != 1:
            return None
        edit = _edit(source, calls[0], variable, names, _Flavour(api, own))
        return (source.file, edit) if edit else None
    return None


@dataclass(frozen=True)
class _Source:
    """A class of the user's own: its file, the text of that file, and its syntax with the file's lines."""

    file: Path
    text: str
    tree: ast.ClassDef


@dataclass(frozen=True)
class _Flavour:
    """The API that a call belongs to, and whether it makes the variable itself and not a layer."""

    api: str
    own: bool


def _source(owner: type) -> _Source | None:
    try:
        file = Path(inspect.getsourcefile(owner) or "")
    except TypeError:
        return None
    if FLAX in file.parents or not file.is_file():
        return None
    text = file.read_text(encoding="utf-8")
    named = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef) and node.name == owner.__name__
    ]
    return _Source(file, text, named[0]) if len(named) == 1 else None


def _calls(tree: ast.ClassDef, child: str, *, own: bool) -> Iterator[ast.Call]:
    """The calls that make `child`: by the attribute they are assigned to, or by the name they are given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            target = node.targets[0]
            if isinstance(target, ast.Attribute) and target.attr == child and not _is_param(node.value):
                yield node.value
        if isinstance(node, ast.Call) and (_named(node) == child or (own and _is_param_of(node, child))):
            yield node


def _named(call: ast.Call) -> str:
    values = [word.value for word in call.keywords if word.arg == "name"]
    return str(values[0].value) if values and isinstance(values[0], ast.Constant) else ""


def _is_param(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "param"


def _is_param_of(call: ast.Call, name: str) -> bool:
    first = call.args[0] if call.args else None
    return _is_param(call) and isinstance(first, ast.Constant) and first.value == name


def _edit(
    source: _Source, call: ast.Call, variable: str, names: AxisNames, flavour: _Flavour
) -> _Edit | None:
    spelt = f"({', '.join(repr(name) for name in names)}{',' if len(names) == 1 else ''})"
    flax_name = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else flavour.api
    if flavour.own and flavour.api == "nnx":
        return _insertion(call, f"out_sharding={spelt}")
    if flavour.own:
        return (
            _wrapped(source, call.args[1], f"nn.{PARTITIONING['linen']}", spelt)
            if len(call.args) > 1
            else None
        )
    wrapper = f"{flax_name}.{PARTITIONING[flavour.api]}"
    given = [word.value for word in call.keywords if word.arg == f"{variable}_init"]
    if given:
        return _wrapped(source, given[0], wrapper, spelt)
    if variable not in DEFAULTS:
        return None
    return _insertion(call, f"{variable}_init={wrapper}({flax_name}.{DEFAULTS[variable]}, {spelt})")


def _insertion(call: ast.Call, text: str) -> _Edit:
    """`text` as the last argument of a call."""
    end = ((call.end_lineno or 1) - 1, (call.end_col_offset or 1) - 1)
    comma = ", " if call.args or call.keywords else ""
    return _Edit(end, end, f"{comma}{text}")


def _wrapped(source: _Source, node: ast.expr, wrapper: str, spelt: str) -> _Edit:
    start = (node.lineno - 1, node.col_offset)
    end = ((node.end_lineno or 1) - 1, node.end_col_offset or 0)
    return _Edit(start, end, f"{wrapper}({ast.get_source_segment(source.text, node)}, {spelt})")


def _diff(file: Path, edits: list[_Edit]) -> str:
    before = file.read_text(encoding="utf-8").splitlines(keepends=True)
    after = list(before)
    for edit in sorted(edits, key=lambda edit: (edit.end, edit.text), reverse=True):
        (first, start), (last, end) = edit.start, edit.end
        # Python counts columns in bytes of UTF-8.
        head = after[first].encode()[:start].decode()
        tail = after[last].encode()[end:].decode()
        after[first : last + 1] = [f"{head}{edit.text}{tail}"]
    return "".join(difflib.unified_diff(before, after, f"a/{file.name}", f"b/{file.name}"))
