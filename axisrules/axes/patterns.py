"""Path patterns: globs over `/`-joined paths, matched in time linear in the path."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A glob: `*` and `?` stay within one part of a path, `**` spans any number of parts.

    Matching keeps a set of positions and never backtracks, so no pattern can hang.

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
        pattern = tuple(self.glob.split("/"))
        places = _skip_spans(pattern, {0})
        for part in path.split("/"):
            places = _skip_spans(pattern, _advance(pattern, places, part))
            if not places:
                return False
        return len(pattern) in places


def _advance(pattern: tuple[str, ...], places: set[int], part: str) -> set[int]:
    reached = set()
    for place in places:
        if place == len(pattern):
            continue
        if pattern[place] == "**":
            reached.add(place)
        elif _part_matches(pattern[place], part):
            reached.add(place + 1)
    return reached


def _skip_spans(pattern: tuple[str, ...], places: set[int]) -> set[int]:
    """`**` may span no part at all."""
    reached = set(places)
    for place in range(len(pattern)):
        if place in reached and pattern[place] == "**":
            reached.add(place + 1)
    return reached


@lru_cache(maxsize=65536)
def _part_matches(glob: str, part: str) -> bool:
    """Greedy match of one part: only the last `*` is ever revisited, so it is quadratic at worst."""
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
