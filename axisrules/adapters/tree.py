"""Looks over a tree before JAX does, which recurses: one that holds itself would take the process down."""

from dataclasses import dataclass, field
from typing import Any

import jax

from axisrules.diagnostics import AxisRulesError, Diagnostic, catalog

MAX_DEPTH = 256
MAX_LEAVES = 10_000_000

_registry = jax.tree_util.default_registry


def check_tree(tree: Any, subject: str) -> None:
    """Raise AxisRulesError (AXR308) where `tree` holds itself or is too large to walk.

    Too large is deeper than 256 or more than 10 million leaves. Never recurses, and looks at a part
    that occurs twice only once.
    """
    walk = _Walk(subject)
    walk.enter("", tree)
    while walk.path:
        step = walk.path[-1]
        if step.waiting:
            walk.enter(*step.waiting.pop())
        else:
            walk.leave()


@dataclass(slots=True)
class _Step:
    """One node on the way down: its name in the tree, the children still to see, what it holds."""

    name: str
    node: Any
    waiting: list[tuple[str, Any]]
    height: int = 0
    leaves: int = 0


@dataclass(slots=True)
class _Walk:
    subject: str
    path: list[_Step] = field(default_factory=list)
    open: set[int] = field(default_factory=set)
    # Done nodes by id, with the node itself: an object that lives keeps its id to itself.
    done: dict[int, tuple[Any, int, int]] = field(default_factory=dict)

    def enter(self, name: str, node: Any) -> None:
        """Open a node, or count one that is a leaf or done."""
        if id(node) in self.open:
            raise AxisRulesError([self.finding(name, "it holds itself")])
        known = self.done.get(id(node))
        if known:
            self.count(name, known[1], known[2])
            return
        children = self.children(name, node)
        if children is None:
            self.count(name, 0, 1)
            return
        self.open.add(id(node))
        self.path.append(_Step(name, node, children))
        self.check_depth(name, 0)

    def leave(self) -> None:
        """Close the innermost node, and count it towards the one that holds it."""
        step = self.path.pop()
        self.open.remove(id(step.node))
        self.done[id(step.node)] = (step.node, step.height + 1, step.leaves)
        self.count(step.name, step.height + 1, step.leaves)

    def count(self, name: str, height: int, leaves: int) -> None:
        """Add a part of this height and number of leaves to the innermost open node."""
        self.check_depth(name, height)
        if not self.path:
            return
        holder = self.path[-1]
        holder.height = max(holder.height, height)
        holder.leaves += leaves
        if holder.leaves > MAX_LEAVES:
            raise AxisRulesError([self.finding(name, f"it has more than {MAX_LEAVES:,} leaves")])

    def check_depth(self, name: str, height: int) -> None:
        if len(self.path) + height > MAX_DEPTH:
            raise AxisRulesError([self.finding(name, f"it nests deeper than {MAX_DEPTH}")])

    def children(self, name: str, node: Any) -> list[tuple[str, Any]] | None:
        """The named children, or None for a leaf."""
        try:
            opened = _registry.flatten_one_level(node)
        except (TypeError, ValueError) as error:  # keys that cannot be sorted
            raise AxisRulesError([self.finding(name, str(error))]) from None
        if opened is None:
            return None
        parts = list(opened[0])
        names = opened[1] if isinstance(node, dict) else range(len(parts))
        return [(str(part_name), part) for part_name, part in zip(names, parts, strict=True)]

    def finding(self, name: str, why: str) -> Diagnostic:
        way = "/".join([step.name for step in self.path[1:6]] + [name])
        fix = "pass a plain tree of arrays: dicts, lists and tuples without cycles"
        return catalog.BAD_TREE.at(subject=f"{self.subject}, at {way or 'its root'}", why=why, fix=fix)
