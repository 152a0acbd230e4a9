"""Path patterns: globs over `/`-joined paths, matched without ever starting over.

Matching keeps a set of places and never backtracks, so that no pattern can hang: at worst the time
is the length of the pattern times the length of the path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

SPAN = "**"


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A glob: `*` and `?` stay within one part of a path, `**` spans any number of parts.

    >>> PathPattern("decoder/**/kernel").matches("decoder/layers/mlp/kernel")
    True
    """

    glob: str

    @property
    def literal_length(self) -> int:
        """Characters that are no wildcard: the more, the more specific."""
        return len(self.glob.replace("*", "").replace("?", ""))

    def matches(self, path: str) -> bool:
        """Whether the whole of `path` matches."""
        return bool(PatternSet([self]).matching(path))


class PatternSet:
    """Many patterns as one tree over their parts, so that a path is compared once with what they share."""

    def __init__(self, patterns: Iterable[PathPattern] = ()) -> None:
        self._root = _Node()
        for number, pattern in enumerate(patterns):
            node = self._root
            for part in pattern.glob.split("/"):
                node = node.child(part)
            node.ends.append(number)

    def matching(self, path: str) -> list[int]:
        """The positions of the patterns that match the whole of `path`, in rising order."""
        places = _with_spans([self._root])
        for part in path.split("/"):
            places = _with_spans(_step(places, part))
        return sorted(number for node in places for number in node.ends)


@dataclass(slots=True, eq=False)
class _Node:
    """A place between two parts of a pattern, and the ways on from it."""

    ends: list[int] = field(default_factory=list)
    is_span: bool = False
    literal: "dict[str, _Node]" = field(default_factory=dict)
    wild: "dict[str, _Node]" = field(default_factory=dict)

    def child(self, part: str) -> "_Node":
        children = self.wild if "*" in part or "?" in part else self.literal
        return children.setdefault(part, _Node(is_span=part == SPAN))


def _step(places: Sequence[_Node], part: str) -> list[_Node]:
    """The places reached by reading one more part."""
    reached = []
    for node in places:
        if node.is_span:
            reached.append(node)
        if part in node.literal:
            reached.append(node.literal[part])
        reached += [child for glob, child in node.wild.items() if glob != SPAN and _part_matches(glob, part)]
    return reached


def _with_spans(places: Sequence[_Node]) -> list[_Node]:
    """`places`, and behind them what a `**` that spans no part at all leads to; each place once."""
    reached = dict.fromkeys(places)
    waiting = list(reached)
    while waiting:
        span = waiting.pop().wild.get(SPAN)
        if span is not None and span not in reached:
            reached[span] = None
            waiting.append(span)
    return list(reached)


@lru_cache(maxsize=65536)
def _part_matches(glob: str, part: str) -> bool:
    """One part against `*` and `?`: a star takes more only where the rest does not fit.

    Only the last star is ever widened, which is enough and bounds the time by both lengths multiplied.
    """
    place = at = 0
    star, star_at = -1, 0
    while at < len(part):
        if place < len(glob) and glob[place] == "*":
            star, star_at = place, at
            place += 1
        elif place < len(glob) and glob[place] in ("?", part[at]):
            place, at = place + 1, at + 1
        elif star >= 0:
            star_at += 1
            place, at = star + 1, star_at
        else:
            return False
    return not glob[place:].strip("*")
