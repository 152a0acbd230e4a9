"""A page as one HTML file: style, script and data inside, and a policy that lets nothing else load or run."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from axisrules.report.page.parts import Page, script_data
from axisrules.report.quantities import counted

TEMPLATES = Path(__file__).parents[1] / "templates"
# What would end a script element, or begin another, is written so that only JSON reads it.
HARMLESS = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}


def render_page(page: Page) -> str:
    """The whole document. Every name in it is escaped; script and style are known by hash."""
    style, script = _text("report.css"), _text("report.js")
    return (
        _environment()
        .get_template("report.html")
        .render(
            page=page,
            style=Markup(style),  # noqa: S704 -- a file of ours
            script=Markup(script),  # noqa: S704
            policy=content_policy(style, script),
            data=Markup(json_in_html(script_data(page.layouts))),  # noqa: S704 -- escaped for where it stands
        )
    )


def json_in_html(values: object) -> str:
    r"""JSON that can stand in a script element, whatever its strings hold.

    >>> json_in_html("</script>")
    '"\\u003c/script\\u003e"'
    """
    return json.dumps(values, separators=(",", ":"), allow_nan=False).translate(HARMLESS)


def content_policy(style: str, script: str) -> str:
    """A Content-Security-Policy that lets this style and this script work, and nothing be fetched.

    Source: W3C, "Content Security Policy Level 3", sections 2.3 (hash-source) and 6.1.
    """
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["counted"] = counted
    made.filters["breakable"] = _breakable
    return made


def _breakable(path: str) -> Markup:
    """A path that may go on in the next line behind each of its slashes."""
    return Markup("/<wbr>").join(escape(part) for part in path.split("/"))
