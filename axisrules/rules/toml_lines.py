"""Where each key of a TOML file stands: `tomllib` gives values without their lines.

The tokens are those of TOML, read in one pass whatever the text is; whether it is TOML, `tomllib` says.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

TomlPath = tuple[str | int, ...]

MAX_NESTING = 64

# A string that nothing closes ends with the line or the file, so that no text is looked at twice.
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<text>\"{3}(?:\\.|[^\\])*?(?:\"{3,5}|\\?\Z)|'{3}.*?(?:'{3,5}|\Z)
                |\"(?:\\[^\n]|[^\"\\\n])*\"?|'[^'\n]*'?)
      | (?P<bare>[A-Za-z0-9_+:.-]+)
      | (?P<mark>[\[\]{}=,])
      | (?P<newline>\n)""",
    re.VERBOSE | re.DOTALL,
)
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


class Token(NamedTuple):
    """A piece of TOML and the line on which it starts; comments and blanks are none."""

    kind: str
    text: str
    line: int

    def is_mark(self, mark: str) -> bool:
        """Whether it is this bracket, comma or equals sign, and not a string that looks so."""
        return self.kind == "mark" and self.text == mark

    @property
    def step(self) -> int:
        """1 where it opens a bracket, -1 where it closes one."""
        return _STEP.get(self.text, 0) if self.kind == "mark" else 0


def toml_tokens(text: str) -> list[Token]:
    """The tokens of `text`, newlines included."""
    tokens, line = [], 1
    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match.group()
        if kind != "comment":
            tokens.append(Token(kind, token, line))
        line += token.count("\n")
    return tokens


def too_deep(tokens: Iterable[Token]) -> int:
    """The first line where brackets nest deeper than 64 or a key has more parts; 0 if there is none."""
    depth = dots = 0
    for token in tokens:
        depth = max(0, depth + token.step)
        dots = dots + token.text.count(".") if token.kind == "bare" else dots * (token.kind == "text")
        if max(depth, dots) > MAX_NESTING:
            return token.line
    return 0


def key_lines(tokens: Iterable[Token]) -> dict[TomlPath, int]:
    r"""The line (from 1) of every key, table header and element of an array that is a key's value.

    >>> key_lines(toml_tokens('[rules]\nembed = "fsdp"'))
    {('rules',): 1, ('rules', 'embed'): 2}
    """
    lines: dict[TomlPath, int] = {}
    for path, line in _places(tokens):
        lines.setdefault(path, line)
    return lines


def _places(tokens: Iterable[Token]) -> Iterator[tuple[TomlPath, int]]:
    header: TomlPath = ()
    for statement in _statements(tokens):
        first = statement[0]
        if first.is_mark("["):
            header = _key(statement)
            yield header, first.line
            continue
        equals = next((i for i, token in enumerate(statement) if token.is_mark("=")), None)
        if equals is not None:
            key = header + _key(statement[:equals])
            yield key, first.line
            yield from _elements(key, statement[equals + 1 :])


def _statements(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """Tokens up to each newline that stands outside of brackets."""
    statement: list[Token] = []
    depth = 0
    for token in tokens:
        depth += token.step
        if token.kind != "newline":
            statement.append(token)
        elif statement and depth == 0:
            yield statement
            statement = []
    if statement:
        yield statement


def _elements(key: TomlPath, value: list[Token]) -> Iterator[tuple[TomlPath, int]]:
    """The elements of an array that is a key's whole value."""
    if not value or not value[0].is_mark("["):
        return
    depth, index, is_new = 0, 0, True
    for token in value[1:]:
        if is_new and not token.is_mark("]"):
            yield (*key, index), token.line
            is_new = False
        depth += token.step
        if depth == 0 and token.is_mark(","):
            index, is_new = index + 1, True


def _key(tokens: list[Token]) -> TomlPath:
    """The parts of a key: bare ones are parted by dots, quoted ones are whole."""
    parts: list[str] = []
    for token in tokens:
        if token.kind == "text":
            parts += tomllib.loads(f"{token.text} = 0") if "\\" in token.text else [token.text[1:-1]]
        elif token.kind == "bare":
            parts += [part for part in token.text.split(".") if part]
    return tuple(parts)
