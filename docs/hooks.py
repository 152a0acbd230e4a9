"""What MkDocs does beside rendering: pages and tables that have their one source in the package.

- Every `axisrules/diagnostics/pages/CODE.md` becomes a page, and a row of the list of diagnostics.
- Every shipped rule table becomes a row and a listing of the presets page.
- Every command's `--help` stands in the page of the command line.
- An SVG is put into its page as text, so that it follows the page's colours.
"""

import os
import re
import tomllib
from argparse import ArgumentParser
from functools import partial
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "axisrules"
STAGES = {
    "1": "Rule tables",
    "2": "Meshes",
    "3": "Axes of a program",
    "4": "Resolving",
    "5": "Partitioning",
    "6": "Command line and reports",
}
IMAGE = re.compile(r'<p>\s*<img alt="([^"]*)" src="([^"]*\.svg)"\s*/?>\s*</p>')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put a page per diagnostic into the navigation."""
    section = next(entry["Diagnostics"] for entry in config.nav if "Diagnostics" in entry)
    for stage, title in STAGES.items():
        pages = [{path.stem: f"diagnostics/{path.name}"} for path in diagnostic_pages() if path.stem[3] == stage]
        section += [{f"{stage}xx {title}": pages}] if pages else []
    config.watch += [str(PACKAGE / "diagnostics" / "pages"), str(PACKAGE / "rules" / "presets")]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the diagnostics."""
    for path in diagnostic_pages():
        text = path.read_text(encoding="utf-8")
        files.append(File.generated(config, f"diagnostics/{path.name}", content=text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in what the page leaves to be generated."""
    for name, generate in GENERATED.items():
        mark = f"<!-- generated: {name} -->"
        if mark in markdown:
            markdown = markdown.replace(mark, generate())
    return markdown.replace("\n<BLANKLINE>\n", "\n\n")  # doctest's word for a blank line of output


def on_page_content(html: str, page: Page, **_: object) -> str:
    """Replace each `<img>` of an SVG by the SVG itself, with its description for screen readers."""

    def inlined(match: re.Match[str]) -> str:
        folder = Path(page.file.abs_src_path or DOCS).parent
        # Page and image lie in the same folder below, whatever the URL of the page looks like.
        svg = (folder / match[2]).read_text(encoding="utf-8")
        return f'<figure class="ax-figure" role="img" aria-label="{match[1]}">{svg}</figure>'

    return IMAGE.sub(inlined, html)


def diagnostic_pages() -> list[Path]:
    """The page of every code, by code."""
    return sorted((PACKAGE / "diagnostics" / "pages").glob("AXR*.md"))


def diagnostics_table() -> str:
    """Codes and titles, a table for each stage."""
    tables: dict[str, list[str]] = {}
    for path in diagnostic_pages():
        title = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ").removeprefix(path.stem).lstrip(": ")
        tables.setdefault(STAGES[path.stem[3]], []).append(f"| [{path.stem}]({path.name}) | {title} |")
    head = "| code | what |\n| --- | --- |\n"
    return "\n\n".join(f"## {stage}\n\n{head}" + "\n".join(rows) for stage, rows in tables.items())


def presets() -> dict[str, str]:
    """The text of every shipped table, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((PACKAGE / "rules" / "presets").glob("*.toml"))}


def presets_table() -> str:
    """A row for every shipped table: name, default mesh, what it does."""
    rows = []
    for name, text in presets().items():
        table = tomllib.loads(text)
        rows.append(f"| [`{name}`](presets.md#{name}) | `{table.get('mesh', '')}` | {table['doc']} |")
    return "| name | mesh by default | what it does |\n| --- | --- | --- |\n" + "\n".join(rows)


def presets_whole() -> str:
    """Every shipped table as its file has it."""
    return "\n\n".join(f"## {name}\n\n```toml\n{text}```" for name, text in presets().items())


def command_help(name: str) -> str:
    """What `axisrules NAME --help` prints, at a width that fits the page."""
    # Only this needs the package itself: its commands know their own arguments.
    from axisrules.cli.main import build_parser

    os.environ["COLUMNS"] = "88"
    return "```text\n" + command_parser(build_parser(), name).format_help().rstrip() + "\n```"


def command_parser(parser: ArgumentParser, name: str) -> ArgumentParser:
    """The parser of one command."""
    (commands,) = (action for action in parser._actions if action.dest == "command")
    return commands.choices[name]


COMMANDS = ("check", "explain", "diff", "bench", "presets")
GENERATED = {
    "diagnostics table": diagnostics_table,
    "presets table": presets_table,
    "presets whole": presets_whole,
    **{f"help {name}": partial(command_help, name) for name in COMMANDS},
}
