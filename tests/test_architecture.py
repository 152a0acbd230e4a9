"""The house style, kept by a machine: who imports whom, how long things grow, what no file may say."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
ROOT = PROJECT / "axisrules"

# Bottom to top: a folder imports only from the rows below its own.
LAYERS = (
    "diagnostics models",
    "axes",
    "rules mesh schedules",
    "resolve",
    "analysis infer",
    "adapters memory targets",
    "pipeline",
    "partition",
    "evidence",
    "bench",
    "advice search",
    "report",
    "cli",
)
RANK = {folder: rank for rank, row in enumerate(LAYERS) for folder in row.split()}
PURE = ("diagnostics", "axes", "rules", "mesh", "schedules", "resolve", "analysis")
JAX_SIDE = ("jax", "jaxlib", "flax", "optax")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 6
MAX_NESTED_BLOCKS = 3
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "shared"}

SOURCES = sorted(ROOT.rglob("*.py"))
SCRIPTS = sorted(
    path for folder in ("tests", "examples", "benchmarks") for path in (PROJECT / folder).rglob("*.py")
)
TEXTS = sorted(
    path
    for folder in (".ci", "axisrules", "benchmarks", "docs", "examples", "tests")
    for path in (PROJECT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts and "results" not in path.parts
) + sorted(path for path in PROJECT.iterdir() if path.suffix in {".md", ".toml", ".yml"})

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = ast.If | ast.For | ast.While | ast.With | ast.Try | ast.Match | ast.AsyncFor | ast.AsyncWith


def shown(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_modules(path: Path) -> Iterator[str]:
    """Every module that `path` imports, anywhere in it; a relative import keeps its dots."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            inner = {file.stem for file in PROJECT.joinpath(*module.split(".")).glob("*.py")}
            for name in {alias.name for alias in node.names}:
                yield f"{module}.{name}" if name in inner - offered_names(module) else module


def offered_names(module: str) -> set[str]:
    """What the folder `module` of the package offers in its `__all__`, its own files included."""
    init = PROJECT.joinpath(*module.split("."), "__init__.py")
    for node in syntax(init).body if module.startswith("axisrules.") and init.exists() else []:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(syntax(path)) if isinstance(node, Function)]


def parameter_count(function: Function) -> int:
    args = function.args
    named = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    return len([name for name in named if name not in ("self", "cls")])


def nested_blocks(node: ast.AST, *, inside_if: bool = False) -> int:
    """How deep blocks go below `node`; an `elif` is as deep as its `if`."""
    deepest = 0
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, Function | ast.ClassDef | ast.Lambda):
                continue
            is_elif = inside_if and field == "orelse" and isinstance(child, ast.If) and len(value) == 1
            is_block = isinstance(child, BLOCKS) and not is_elif
            deepest = max(deepest, is_block + nested_blocks(child, inside_if=isinstance(child, ast.If)))
    return deepest


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent != ROOT], ids=shown)
def test_imports_point_down(path: Path) -> None:
    home = path.relative_to(ROOT).parts[0]
    for module in imported_modules(path):
        top, *rest = module.split(".")
        assert top, f"write absolute imports, not {module}"
        assert not (home in PURE and top in JAX_SIDE), f"{home} must not know {top}"
        if top == "axisrules" and rest[:1] != [home]:
            if not rest and home == "cli":
                continue  # On top of all, the command line may ask the package itself, for its version.
            assert len(rest) == 1, f"import the folder, not {module}"
            assert RANK[rest[0]] < RANK[home], f"{home} may not import {module}"


def test_built_in_models_are_plain_flax() -> None:
    for path in (ROOT / "models").glob("*.py"):
        foreign = [m for m in imported_modules(path) if m.startswith("axisrules.")]
        assert all(module.startswith("axisrules.models") for module in foreign), shown(path)


def test_every_folder_has_a_row() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders == set(RANK)


def test_import_linter_keeps_the_same_rows() -> None:
    config = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["id"]: contract for contract in config["tool"]["importlinter"]["contracts"]}
    rows = [set(row.split(" | ")) for row in reversed(contracts["layers"]["layers"])]
    assert rows == [set(row.split()) for row in LAYERS]
    assert contracts["pure"]["source_modules"] == [f"axisrules.{folder}" for folder in PURE]
    assert set(JAX_SIDE) <= set(contracts["pure"]["forbidden_modules"])


def test_pure_folders_run_without_jax() -> None:
    code = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({JAX_SIDE!r}))\n"  # None makes an import fail
        f"for folder in {PURE!r}: importlib.import_module('axisrules.' + folder)\n"
        "from axisrules.mesh import parse_mesh\n"
        "from axisrules.resolve import lint_table\n"
        "from axisrules.rules import load_rules\n"
        "lint_table(load_rules('fsdp'))\n"
        "assert parse_mesh('data=2,tensor=4').device_count == 8\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", SOURCES + SCRIPTS, ids=shown)
def test_files_stay_short(path: Path) -> None:
    line_count = len(path.read_text(encoding="utf-8").splitlines())
    assert line_count <= MAX_FILE_LINES, f"{line_count} lines; find the second job in this file"


@pytest.mark.parametrize("path", SOURCES, ids=shown)
def test_functions_stay_short(path: Path) -> None:
    for function in functions(path):
        where = f"{function.name}, line {function.lineno}"
        line_count = (function.end_lineno or function.lineno) - function.lineno + 1
        assert line_count <= MAX_FUNCTION_LINES, f"{where}: {line_count} lines"
        assert parameter_count(function) <= MAX_PARAMETERS, f"{where}: {parameter_count(function)} parameters"
        assert nested_blocks(function) <= MAX_NESTED_BLOCKS, f"{where}: blocks {nested_blocks(function)} deep"


def test_file_names_say_what_is_inside() -> None:
    vague = [shown(path) for path in SOURCES + SCRIPTS if {path.stem, path.parent.name} & VAGUE_NAMES]
    assert vague == []


@pytest.mark.parametrize("path", SOURCES, ids=shown)
def test_public_things_have_docstrings(path: Path) -> None:
    tree = syntax(path)
    assert ast.get_docstring(tree), "the module says what it is for"
    public = [n for n in tree.body if isinstance(n, Function | ast.ClassDef) and not n.name.startswith("_")]
    methods = [
        method
        for scope in public
        if isinstance(scope, ast.ClassDef)
        for method in scope.body
        if isinstance(method, Function) and not method.name.startswith("_")
    ]
    missing = [node.name for node in (*public, *methods) if not ast.get_docstring(node)]
    assert missing == []


@pytest.mark.parametrize("path", SOURCES + SCRIPTS, ids=shown)
def test_only_public_jax(path: Path) -> None:
    private = [m for m in imported_modules(path) if m.startswith(("jax._", "jaxlib.", "flax.core.lift."))]
    assert private == []
    assert "jax" + "._src" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SCRIPTS, ids=shown)
def test_assertions_can_fail(path: Path) -> None:
    asserted = [node.test for node in ast.walk(syntax(path)) if isinstance(node, ast.Assert)]
    constant = [node.lineno for node in asserted if isinstance(node, ast.Constant) and node.value]
    assert constant == []


UNFINISHED = re.compile(r"\b(?:TO-?DO|FIX-?ME|X{3}|HACK)\b|Not" + "ImplementedError")
# Character classes, so that these lines do not find themselves.
ONE_MACHINE = re.compile(
    r"(?<![\w.>])/(?:[w]ork|[r]oot|[o]pt|[h]ome)/\w|\.\./[s]hared|[p]ypi\.org|python[h]osted"
)


@pytest.mark.parametrize("path", TEXTS, ids=shown)
def test_the_tree_is_finished_and_at_home_anywhere(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # a picture
    here = Path(__file__) == path
    found = [] if here else [match.group() for match in UNFINISHED.finditer(text)]
    found += [match.group() for match in ONE_MACHINE.finditer(text)]
    assert found == []


def test_tests_mirror_the_package() -> None:
    beside = {"docs", "examples", "benchmarks", "cases"}
    folders = {path.parent.name for path in (PROJECT / "tests").glob("*/test_*.py")}
    assert folders - beside == set(RANK)
