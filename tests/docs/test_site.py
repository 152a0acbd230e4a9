"""The site says what the package says: names, policies, presets and codes have one source."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

import axisrules
from axisrules.diagnostics import CATALOG
from axisrules.rules import DEFAULT_POLICIES, preset_names

DOCS = Path(__file__).parents[2] / "docs"
PAGES = DOCS / "pages"
FIGURES = sorted((PAGES / "images").glob("*.svg"))


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    """docs/hooks.py, where MkDocs is installed."""
    pytest.importorskip("mkdocs", reason="the docs extra is not installed")
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(page: str) -> str:
    return (PAGES / f"{page}.md").read_text(encoding="utf-8")


def test_api_page_has_every_public_name() -> None:
    listed = re.findall(r"^::: axisrules\.(\w+)$", text_of("api"), re.MULTILINE)
    assert sorted(listed) == sorted(axisrules.__all__)


def test_policies_and_their_defaults_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(error|warn|allow)` \|", text_of("rule_language"), re.MULTILINE)
    assert dict(rows) == DEFAULT_POLICIES


def test_every_preset_has_a_row_and_a_listing(hooks: ModuleType) -> None:
    assert re.findall(r"^\| \[`(\w+)`\]", hooks.presets_table(), re.MULTILINE) == list(preset_names())
    assert re.findall(r"^## (\w+)$", hooks.presets_whole(), re.MULTILINE) == list(preset_names())


def test_every_code_has_a_row_with_its_title(hooks: ModuleType) -> None:
    rows = re.findall(r"^\| \[(AXR\d+)\]\(\1\.md\) \| (.+) \|$", hooks.diagnostics_table(), re.MULTILINE)
    assert dict(rows) == {code: entry.title for code, entry in CATALOG.items()}


def test_every_mark_is_filled(hooks: ModuleType) -> None:
    for page in PAGES.rglob("*.md"):
        assert "<!-- generated" not in hooks.on_page_markdown(page.read_text(encoding="utf-8")), page


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.stem)
def test_figures_can_stand_in_a_page(figure: Path) -> None:
    """A title for screen readers, no blank line that would end an HTML block, nothing from elsewhere."""
    text = figure.read_text(encoding="utf-8")
    root = ET.fromstring(text)
    assert root.find("{http://www.w3.org/2000/svg}title").text
    assert "\n\n" not in text
    assert "href" not in text
    assert any(f"images/{figure.name}" in page.read_text(encoding="utf-8") for page in PAGES.rglob("*.md"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what MkDocs' plugins deprecate among themselves is not ours
def test_the_site_builds_without_a_warning(hooks: ModuleType, tmp_path: Path) -> None:
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    config = load_config(str(DOCS / "mkdocs.yml"), strict=True, site_dir=str(tmp_path / "site"))
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    built = {page.relative_to(tmp_path / "site").as_posix() for page in (tmp_path / "site").rglob("*.html")}
    assert {f"diagnostics/{code}.html" for code in CATALOG} <= built
