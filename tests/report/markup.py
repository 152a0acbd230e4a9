"""A page taken apart: its elements, its text, and what its scripts say."""

import json
from html.parser import HTMLParser
from typing import Any

VOID = {"br", "input", "meta", "wbr"}


class Markup(HTMLParser):
    """`shape` has every element with the names of its attributes: what no name in the page may change."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shape: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == [], "every element ends"

    def handle_starttag(self, tag, attributes):
        if tag != "wbr":  # a long path has places to break at, as many as it has slashes
            self.shape.append((tag, tuple(name for name, _ in attributes)))
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in self.inside:
            self.inside[self.open[-1]][-1] += data
        else:
            self.text += data

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.shape}

    def values(self, attribute: str) -> list[str]:
        return [value for _, name, value in self.attributes if name == attribute]

    @property
    def data(self) -> Any:
        return json.loads(self.inside["script"][0])
