"""Names guessed from what an axis is used for, as a transformer uses it.

A guess is never acted upon unasked. `ROLES` are the words; what fits none of them stays without a name.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from axisrules.axes import LogicalAxis
from axisrules.infer.axis_union import Node
from axisrules.infer.head_roles import guess_heads
from axisrules.infer.record import FROM_COUNT, FROM_DATA, FROM_PARAMS, Dims, Dot, Lookup
from axisrules.infer.role_board import RoleBoard
from axisrules.infer.unify import AxisGraph

ROLES = ("layers", "vocab", "embed", "position", "experts", "heads", "kv_heads", "head_dim", "qkv", "mlp")


def guess_roles(graph: AxisGraph, named: Mapping[Node, LogicalAxis]) -> dict[Node, LogicalAxis]:
    """A role for every class without a name that shows one; keys are the nodes that stand for a class.

    Roles of one size, such as embed, go to no class of another size than one that has the name.
    """
    board = RoleBoard(graph, named)
    for root in board.record.stacked:
        board.say(root, "layers")
    lookups = [found for found in board.record.lookups if found.table_from == FROM_PARAMS]
    lookups = [found for found in lookups if len(found.looked_into) == 1 and found.rows]
    rows = _vocabulary(board, lookups)
    _experts(board)
    guess_heads(board)
    _streams(board, rows)
    embedded = board.having("embed") | {rows}
    for found in lookups:
        if found.index_from == FROM_COUNT and embedded.intersection(board.roots(found.rows)):
            board.say(found.looked_into[0], "position")
    _second_vocabulary(board)
    _feed_forward(board, embedded)
    return board.found


def _vocabulary(board: RoleBoard, lookups: Sequence[Lookup]) -> Node | None:
    """The largest table looked up by data is the vocabulary's; the result is the axis of its rows."""
    by_data = [found for found in lookups if found.index_from & FROM_DATA] + list(_one_hot_lookups(board))
    if not by_data:
        return None
    largest = max(by_data, key=lambda found: board.size(found.looked_into[0]))
    board.say(largest.looked_into[0], "vocab")
    return board.root(largest.rows[-1])


def _one_hot_lookups(board: RoleBoard) -> Iterator[Lookup]:
    """Products of a one-hot and a table."""
    compared = set(board.roots(board.record.compared))
    for dot in board.record.dots:
        kernel = _free_of_kernel(dot)
        if kernel and len(dot.contracted) == 1 and board.root(dot.contracted[0]) in compared:
            yield Lookup(dot.contracted, kernel, FROM_PARAMS, FROM_DATA)


def _experts(board: RoleBoard) -> None:
    """What kernels are batched over, and what a router ranks.

    A kernel is one parameter that has all dims of the product: what is computed from several, such as
    queries that are learned, has heads.
    """
    params = [set(dims) for dims in board.params.values()]
    for dot in board.record.dots:
        kernel = _free_of_kernel(dot)
        used = set(board.roots((*dot.batched, *dot.contracted, *kernel)))
        if kernel and any(used <= dims for dims in params):
            for node in dot.batched:
                board.say(node, "experts")
    for root in board.roots(board.record.ranked):
        if board.members[root]:
            board.say(root, "experts")


def _streams(board: RoleBoard, rows: Node | None) -> None:
    """The stream is what heads are projected from and to; an encoder has its own.

    Without attention it is what the vocabulary's rows have; without a vocabulary, the busiest axis.
    """
    into, back = _projections(board, board.having("heads", "kv_heads", "qkv"))
    found = sorted(into & back, key=lambda root: (root != rows, -board.members[root], root))
    if not found and rows is not None:
        found = [rows]
    elif not found:
        found = _busiest(board)
    for root in found:
        board.say(root, "embed")


def _busiest(board: RoleBoard) -> list[Node]:
    """The axis that most kernels read from and add to, if there are several of either."""
    read: Counter[Node] = Counter()
    written: Counter[Node] = Counter()
    for dot in board.record.dots:
        if kernel := _free_of_kernel(dot):
            read.update(board.roots(dot.contracted))
            written.update(board.roots(kernel))
    busy = [root for root in read if min(read[root], written[root]) > 1 and board.members[root]]
    return sorted(busy, key=lambda root: (-board.members[root], root))[:1]


def _projections(board: RoleBoard, inner: set[Node]) -> tuple[set[Node], set[Node]]:
    """Axes that kernels contract to give one of `inner`, and axes that they give for one of these."""
    into: set[Node] = set()
    back: set[Node] = set()
    for dot in board.record.dots:
        contracted, free = set(board.roots(dot.contracted)), set(board.roots(_free_of_kernel(dot)))
        if free & inner:
            into |= contracted
        if contracted & inner:
            back |= free
    return into, back


def _free_of_kernel(dot: Dot) -> Dims:
    """The free dims of the one operand that is computed from parameters alone; none where both or none is."""
    if (dot.left_from == FROM_PARAMS) == (dot.right_from == FROM_PARAMS):
        return ()
    return dot.left_free if dot.left_from == FROM_PARAMS else dot.right_free


def _second_vocabulary(board: RoleBoard) -> None:
    """The output's own, as large as the one that is looked up.

    It is beside embed in one matrix alone, or is what data picks from of all that is computed.
    """
    embed = board.having("embed")
    sizes = {board.size(root) for root in board.having("vocab")}
    matrices = [dims for dims in board.params.values() if len(dims) == 2 and embed.intersection(dims)]
    alone = {root for dims in matrices for root in dims if board.matrices_with(root) == 1} - embed
    for root in sorted(alone | _picked_from(board)):
        if board.size(root) in sizes:
            board.say(root, "vocab")


def _picked_from(board: RoleBoard) -> set[Node]:
    """Axes of parameters of whose results data picks one, as labels do of logits."""
    by_data = [
        found
        for found in board.record.lookups
        if found.table_from & found.index_from & FROM_DATA and not found.index_from & FROM_PARAMS
    ]
    picked = {root for found in by_data for root in board.roots(found.looked_into)}
    return {root for root in picked if board.members[root]}


def _feed_forward(board: RoleBoard, embedded: set[Node | None]) -> None:
    """What the stream is projected to and, as it is, projected back from; not what tokens are embedded in."""
    back, into = _projections(board, board.having("embed"))
    for root in sorted((into & back) - embedded):
        if not board.axes.factors(root) and board.matrices_with(root) > 1:
            board.say(root, "mlp")
