"""What the words of remat policies have matched, so that a word that matches nothing is an error."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog, did_you_mean
from axisrules.rules import LAYERS, NAMED_REMATS, Remat

Path = tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """Collects, while a program is rewritten, the modules and names it has and the words that hit them."""

    policies: tuple[Remat, ...]
    _hits: set[tuple[int, str, str]] = field(default_factory=set)
    _modules: dict[str, None] = field(default_factory=dict)
    _names: dict[str, None] = field(default_factory=dict)

    def saw(self, paths: Iterable[Path]) -> None:
        """Modules of the program."""
        self._modules.update(dict.fromkeys(path[-1] for path in paths if path))

    def saw_name(self, name: str) -> None:
        """A named activation inside a recomputed module."""
        self._names[name] = None

    def matched(self, policy: int, item: str, word: str = "recompute") -> None:
        """The word `item` of a policy has matched something."""
        self._hits.add((policy, word, item))

    def matched_layers(self, policy: int) -> None:
        """A policy has found the layers."""
        self.matched(policy, LAYERS)

    def raise_unmatched(self) -> None:
        """Raise AxisRulesError with AXR770 for every word that has matched nothing."""
        findings = list(self._unmatched())
        if findings:
            raise AxisRulesError(findings)

    def _unmatched(self) -> Iterator[Diagnostic]:
        for number, policy in enumerate(self.policies):
            missed = [item for item in policy.recompute if (number, "recompute", item) not in self._hits]
            # A policy with a name of ours lists every spelling that it knows, and one is enough.
            if missed and (not policy.name or len(missed) == len(policy.recompute)):
                yield self._module_finding(policy, policy.name or missed[0])
            words = [("save", item) for item in policy.save] + [("offload", item) for item in policy.offload]
            for word, item in words:
                if (number, word, item) not in self._hits:
                    yield self._name_finding(policy, word, item)

    def _module_finding(self, policy: Remat, item: str) -> Diagnostic:
        why = f"`{item}` recomputes none of the program's {len(self._modules)} modules"
        if item == LAYERS:
            why = "there are no layers: no scan over matrix products, and no row of numbered modules"
        fix = did_you_mean(item, [*self._modules, *NAMED_REMATS])
        return catalog.REMAT_MATCHES_NOTHING.at(policy.origin, subject=f"remat = {policy}", why=why, fix=fix)

    def _name_finding(self, policy: Remat, word: str, item: str) -> Diagnostic:
        why = f"`{word}` names `{item}`, and no activation or module in what is recomputed is called so"
        fix = did_you_mean(item, [*self._names, *self._modules])
        return catalog.REMAT_MATCHES_NOTHING.at(policy.origin, subject=f"remat = {policy}", why=why, fix=fix)
