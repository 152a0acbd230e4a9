"""Where each key of a TOML file stands: `tomllib` gives values without their lines.

Works on text that `tomllib` has accepted already, so it only has to know where a key can start.
"""

import re
from collections.abc import Iterator

TomlPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*')
      | (?P<bare>[A-Za-z0-9_+:.-]+)
      | (?P<mark>[\[\]{}=,])
      | (?P<newline>\n)""",
    re.VERBOSE | re.DOTALL,
)


def key_lines(text: str) -> dict[TomlPath, int]:
    """The line (from 1) of every key, table header and element of a top-level array.

    >>> key_lines('[rules]\\nembed = "fsdp"')
    {('rules',): 1, ('rules', 'embed'): 2}
    """
    lines: dict[TomlPath, int] = {}
    for path, line in _places(text):
        lines.setdefault(path, line)
    return lines


def _places(text: str) -> Iterator[tuple[TomlPath, int]]:
    header: TomlPath = ()
    for statement in _statements(text):
        (kind, first, line), *rest = statement
        if kind == "mark" and first == "[":
            header = _key([token for token in rest if token[0] != "mark"])
            yield header, line
            continue
        equals = next((i for i, token in enumerate(statement) if token[:2] == ("mark", "=")), None)
        if equals is None:
            continue
        key = header + _key(statement[:equals])
        yield key, line
        yield from _elements(key, statement[equals + 1 :])


def _statements(text: str) -> Iterator[list[tuple[str, str, int]]]:
    """Tokens up to each newline that stands outside of brackets."""
    statement: list[tuple[str, str, int]] = []
    depth, line = 0, 1
    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match.group()
        if kind == "newline":
            if statement and depth == 0:
                yield statement
                statement = []
        elif kind != "comment":
            statement.append((kind, token, line))
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token, 0) if kind == "mark" else 0
        line += token.count("\n")
    if statement:
        yield statement


def _elements(key: TomlPath, tokens: list[tuple[str, str, int]]) -> Iterator[tuple[TomlPath, int]]:
    """The elements of an array that is a key's whole value."""
    if not tokens or tokens[0][:2] != ("mark", "["):
        return
    depth, index, fresh = 0, 0, True
    for kind, token, line in tokens[1:]:
        if fresh and token not in ("]", ","):
            yield (*key, index), line
            fresh = False
        if kind != "mark":
            continue
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token, 0)
        if token == "," and depth == 0:
            index, fresh = index + 1, True


def _key(tokens: list[tuple[str, str, int]]) -> TomlPath:
    parts: list[str] = []
    for kind, token, _ in tokens:
        if kind == "text":
            parts.append(token[1:-1])
        elif kind == "bare":
            parts += [part for part in token.split(".") if part]
    return tuple(parts)
