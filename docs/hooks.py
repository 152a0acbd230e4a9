"""What MkDocs does beside rendering: pages and tables that have their source in the package.

- Every diagnostic has its page, and a row in the list of diagnostics.
- Every shipped rule table has a row and a listing.
- Every command's `--help` stands on the page of the command line.
- A code in a docstring leads to its page.
- An SVG is put into its page as text, so that it follows the page's colours.
"""

import io
import os
import re
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from axisrules.cli import main
from axisrules.diagnostics import CATALOG
from axisrules.diagnostics import page as page_of
from axisrules.rules import load_rules, preset_names, preset_text

STAGES = {
    "1": "Rule tables",
    "2": "Meshes",
    "3": "Axes of a program",
    "4": "Resolving",
    "5": "Partitioning",
    "6": "Command line and reports",
    "7": "Compiled programs, pipelines and memory",
    "8": "Targets and their compilers",
    "9": "Search and advice",
}
COMMANDS = (
    "check",
    "explain",
    "diff",
    "bench",
    "search",
    "fit",
    "schedule",
    "balance",
    "remat",
    "ledger",
    "audit",
    "advise",
    "targets",
    "doctor",
    "presets",
    "wrap",
    "typecheck",
)
HELP_COLUMNS = "88"
IMAGE = re.compile(r'<p>\s*<img alt="([^"]*)" src="([^"]*\.svg)"\s*/?>\s*</p>')
PARAGRAPH = re.compile(r"<p>.*?</p>", re.DOTALL)
CODE = re.compile(r"\bAXR\d{3}\b")
CODE_LINK = r'<a href="diagnostics/\g<0>.html">\g<0></a>'


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put a page per diagnostic into the navigation, by stage."""
    section = next(entry["Diagnostics"] for entry in config.nav if "Diagnostics" in entry)
    for stage, title in STAGES.items():
        section.append(
            {
                f"{stage}xx {title}": [
                    {code: f"diagnostics/{code}.md"} for code in codes_of(stage)
                ]
            }
        )
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the diagnostics."""
    for code in CATALOG:
        files.append(File.generated(config, f"diagnostics/{code}.md", content=page_of(code)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in what the page leaves to be generated."""
    for name, generate in GENERATED.items():
        mark = f"<!-- generated: {name} -->"
        if mark in markdown:
            markdown = markdown.replace(mark, generate())
    return markdown.replace(
        "\n<BLANKLINE>\n", "\n\n"
    )  # doctest's word for a blank line of output


def on_page_content(html: str, page: Page, **_: object) -> str:
    """Put each SVG in the place of its `<img>`, and link the codes that docstrings name."""

    def inlined(match: re.Match[str]) -> str:
        svg = (Path(page.file.abs_src_path).parent / match[2]).read_text(encoding="utf-8")
        return f'<figure class="ax-figure" role="img" aria-label="{match[1]}">{svg}</figure>'

    html = IMAGE.sub(inlined, html)
    if page.file.src_uri == "api.md":
        html = PARAGRAPH.sub(lambda match: CODE.sub(CODE_LINK, match[0]), html)
    return html


def codes_of(stage: str) -> list[str]:
    """The codes of a stage, in order."""
    return sorted(code for code in CATALOG if code[3] == stage)


def diagnostics_table() -> str:
    """Codes and titles, a table for each stage."""
    return "\n\n".join(
        f"## {title}\n\n| code | what |\n| --- | --- |\n"
        + "\n".join(
            f"| [{code}]({code}.md) | {CATALOG[code].title} |" for code in codes_of(stage)
        )
        for stage, title in STAGES.items()
    )


def presets_table() -> str:
    """A row for every shipped table: name, default mesh, what it does."""
    tables = [load_rules(name) for name in preset_names()]
    rows = [f"| [`{t.name}`](presets.md#{t.name}) | `{t.mesh}` | {t.doc} |" for t in tables]
    return "\n".join(
        ["| name | mesh by default | what it does |", "| --- | --- | --- |", *rows]
    )


def presets_whole() -> str:
    """Every shipped table as its file has it."""
    return "\n\n".join(
        f"## {name}\n\n```toml\n{preset_text(name)}```" for name in preset_names()
    )


def command_help(name: str) -> str:
    """What `axisrules NAME --help` prints, at a width that fits the page."""
    os.environ["COLUMNS"] = HELP_COLUMNS
    printed = io.StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        main([name, "--help"])
    return f"```text\n{printed.getvalue().rstrip()}\n```"


GENERATED = {
    "diagnostics table": diagnostics_table,
    "presets table": presets_table,
    "presets whole": presets_whole,
    **{f"help {name}": partial(command_help, name) for name in COMMANDS},
}
