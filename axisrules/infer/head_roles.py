"""Heads, told by what attention does: products of activations are batched over them."""

from collections import defaultdict
from collections.abc import Iterable

from axisrules.infer.axis_union import Node
from axisrules.infer.record import Dims, Dot
from axisrules.infer.role_board import RoleBoard


def guess_heads(board: RoleBoard) -> None:
    """Roles heads, kv_heads, head_dim and qkv: for what is batched over and hangs on parameters."""
    dots = board.dots_of_data()
    known = board.having("heads", "kv_heads")
    batched = {root for dot in dots for root in board.roots(dot.batched)}
    heads = {root for root in batched if board.is_open(root) or root in known}
    named = sorted(heads & _hanging_on_params(board))
    for root in named:
        _name_heads(board, root, _groups_beside(board, root, dots))
    for root in named:
        _name_head_dims(board, root, dots)


def _hanging_on_params(board: RoleBoard) -> set[Node]:
    """Classes that parameters have, alone or as a factor."""
    hanging = set(board.members)
    for product in board.axes.products():
        if board.members[product]:
            hanging |= {product, *board.axes.factors(product), *board.axes.atoms(product)}
    return hanging


def _groups_beside(board: RoleBoard, heads: Node, dots: Iterable[Dot]) -> set[Node]:
    """Axes that share a side with another one in products batched over `heads`: groups, with positions.

    head_dim stands there alone.
    """
    batched = [dot for dot in dots if heads in board.roots(dot.batched)]
    sides = [board.roots(side) for dot in batched for side in (dot.left_free, dot.right_free)]
    return {root for side in sides if len(side) > 1 for root in side}


def _name_heads(board: RoleBoard, root: Node, beside: set[Node]) -> None:
    """Heads that are a product have kv_heads as their major factor; heads in groups are kv_heads."""
    factors = board.axes.factors(root)
    grouped = {product for product, parts in _led_by(board, root).items() if parts[1] in beside}
    if factors:
        board.say(root, "heads")
        board.say(factors[0], "kv_heads")
    for product in grouped:
        board.say(product, "heads")
    board.say(root, "kv_heads" if grouped else "heads")
    groups = {board.axes.factors(product)[1] for product in grouped} | set(factors)
    for heads in (root, *factors[:1], *sorted(grouped)):
        _name_fused(board, heads, grouped, groups)


def _led_by(board: RoleBoard, root: Node) -> dict[Node, tuple[Node, ...]]:
    """Products that have `root` as their major factor, with their factors."""
    factored = {product: board.axes.factors(product) for product in board.axes.products()}
    return {product: parts for product, parts in factored.items() if parts[0] == root}


def _name_fused(board: RoleBoard, heads: Node, grouped: set[Node], groups: set[Node]) -> None:
    """What heads and head_dim make together, and what three of these do."""
    role = board.named.get(heads) or board.found.get(heads)
    triples = _triples(board)
    for product, parts in _led_by(board, heads).items():
        if product in grouped:
            continue
        if parts[-1] in triples.values() or (len(parts) == 3 and board.size(parts[1]) == 3):
            board.say(product, "qkv")
        elif parts[-1] not in groups and role is not None:
            board.say(product, role)
            board.say(parts[-1], "head_dim")
        if product in triples:
            board.say(triples[product], "qkv")


def _name_head_dims(board: RoleBoard, heads: Node, dots: Iterable[Dot]) -> None:
    """What stands beside heads in a parameter, whatever the order, and in products batched over them.

    There it is contracted or alone on its side, or is linked to what is so: a rotation takes queries and
    keys apart and puts them together again.
    """
    within = [dot for dot in dots if heads in board.roots(dot.batched)]
    sides: list[Dims] = [side for dot in within for side in (dot.left_free, dot.right_free) if len(side) == 1]
    sides += [dot.contracted for dot in within]
    reached = _linked(board, {root for side in sides for root in board.roots(side)})
    for dims in board.params.values():
        if _with_factors(board, heads).intersection(dims):
            for root in reached.intersection(dims):
                board.say(root, "head_dim")


def _with_factors(board: RoleBoard, heads: Node) -> set[Node]:
    """Heads, the groups that lead them, and the heads that they lead."""
    return {heads, *board.axes.factors(heads)[:1], *_led_by(board, heads)}


def _linked(board: RoleBoard, roots: set[Node]) -> set[Node]:
    """`roots`, and all that is weakly linked to them, at whatever distance."""
    neighbours: dict[Node, set[Node]] = defaultdict(set)
    for link in board.record.weak:
        first, second = board.roots((link.first, link.second))
        neighbours[first].add(second)
        neighbours[second].add(first)
    reached, waiting = set(roots), list(roots)
    while waiting:
        found = neighbours[waiting.pop()] - reached
        reached |= found
        waiting += found
    return reached


def _triples(board: RoleBoard) -> dict[Node, Node]:
    """By each axis, the one that is three of it side by side."""
    links = [link for link in board.record.weak if link.kind == "multiple"]
    pairs = [pair for link in links for pair in ((link.first, link.second), (link.second, link.first))]
    return {
        board.root(part): board.root(whole)
        for part, whole in pairs
        if board.size(whole) == 3 * board.size(part)
    }
