"""What ships: dependencies that match the imports, a version with its notes, links that lead somewhere."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import axisrules

PROJECT = Path(__file__).parents[1]
CONFIG = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
DISTRIBUTION_OF = {"yaml": "pyyaml"}


def distribution(requirement: str) -> str:
    return re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0].lower()


def foreign_imports(folder: Path) -> set[str]:
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"axisrules"}


def test_dependencies_are_what_the_package_imports() -> None:
    declared = {distribution(requirement) for requirement in CONFIG["project"]["dependencies"]}
    imported = {DISTRIBUTION_OF.get(name, name) for name in foreign_imports(PROJECT / "axisrules")}
    assert imported == declared


def test_the_changelog_speaks_of_this_version() -> None:
    assert axisrules.__version__ in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_apache_2() -> None:
    text = (PROJECT / "LICENSE").read_text(encoding="utf-8")
    assert CONFIG["project"]["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_readme_gives_two_commands_and_ci_runs_them() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python3 -m venv .*", readme, flags=re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith("&& .venv/bin/axisrules bench")
    assert commands[1].endswith("&& .venv/bin/pytest -q -n auto")
    ci = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert "grep '^python3 -m venv '" in ci
    assert "pip install -q ." not in ci, "CI takes the install line from the README"


def test_links_of_the_front_pages_lead_somewhere() -> None:
    # Links between the pages of docs/ are checked by the site's own strict build.
    links = [
        (page, target)
        for page in PROJECT.glob("*.md")
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target
    ]
    assert [f"{page.name}: {target}" for page, target in links if not (PROJECT / target).exists()] == []
