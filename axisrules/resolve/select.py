"""Which rules speak for an array: the most specific scope first, then table order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from axisrules.axes import LogicalAxis, PatternSet
from axisrules.rules import INHERITS, Kind, Rule, RuleTable, Scope

Group = tuple[tuple[tuple[int, int], Rule], ...]
ScopeChain = tuple[Scope, ...]

# Comparing a misspelt name takes microseconds for each name there is; no table of a person has more.
MAX_PROPOSED = 256


@dataclass
class RuleIndex:
    """The rules of a table by scope and name, each with its position; built once, then only read."""

    table: RuleTable
    by_scope: dict[Scope, dict[LogicalAxis, list[tuple[int, Rule]]]] = field(default_factory=dict)
    path_scopes: tuple[Scope, ...] = ()
    _patterns: PatternSet = field(default_factory=PatternSet)
    _groups: dict[tuple[ScopeChain, LogicalAxis], Group] = field(default_factory=dict)
    _chains: dict[tuple[Kind | None, str], ScopeChain] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for position, rule in enumerate(self.table.rules):
            names = self.by_scope.setdefault(rule.scope, {})
            names.setdefault(rule.logical_axis, []).append((position, rule))
        self.path_scopes = tuple(scope for scope in self.by_scope if scope.path)
        self._patterns = PatternSet(scope.path for scope in self.path_scopes if scope.path)

    @cached_property
    def some_logical_axes(self) -> tuple[LogicalAxis, ...]:
        """Names that have rules, to propose where one is misspelt; the first 256 of a very long table."""
        names = dict.fromkeys(rule.logical_axis for rule in self.table.rules)
        return tuple(islice(names, MAX_PROPOSED))

    def chain(self, kind: Kind | None, path: str) -> ScopeChain:
        """The scopes that hold for an array, most specific first."""
        key = (kind, path if self.path_scopes else "")
        found = self._chains.get(key)
        if found is None:
            kinds = (kind, INHERITS.get(kind)) if kind else (None,)
            holds = (*kinds, None)
            here = [s for i in self._patterns.matching(path) if (s := self.path_scopes[i]).kind in holds]
            paths = sorted(here, key=lambda scope: _looseness(scope, kinds))
            own = [scope for k in kinds if k and (scope := Scope(kind=k)) in self.by_scope]
            self._chains[key] = found = (*paths, *own, Scope())
        return found

    def candidates(self, chain: ScopeChain, names: Iterable[LogicalAxis]) -> list[Rule]:
        """The rules that speak for `names`, in the order in which they are tried."""
        entries = [entry for name in names for entry in self.group(chain, name)]
        entries.sort(key=lambda entry: entry[0])
        return [rule for _, rule in entries]

    def group(self, chain: ScopeChain, name: LogicalAxis) -> Group:
        """The alternatives of one name: those of the first scope that has any."""
        key = (chain, name)
        found = self._groups.get(key)
        if found is None:
            found = ()
            for rank, scope in enumerate(chain):
                rules = self.by_scope.get(scope, {}).get(name)
                if rules:
                    found = tuple(((rank, position), rule) for position, rule in rules)
                    break
            self._groups[key] = found
        return found


def _looseness(scope: Scope, kinds: tuple[Kind | None, ...]) -> tuple[int, int]:
    """Sorts the most specific first, whatever the order in which tables were composed.

    The pattern with the most literal characters; then the array's own kind before the one it inherits from.
    """
    assert scope.path is not None, "only path scopes are compared"
    return -scope.path.literal_length, (*kinds, None).index(scope.kind)
