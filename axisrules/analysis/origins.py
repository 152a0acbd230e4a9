"""What the data of a collective is: the program's arguments it comes from, the results it goes into."""

from dataclasses import dataclass

from axisrules.analysis.flow import PRODUCTS, Flow, Value, base_opcode, is_moved, reach
from axisrules.analysis.hlo import Instruction, Module
from axisrules.analysis.ledger import Collective

_SUMS = {"all-reduce", "reduce-scatter"}
# Everything else that works element by element; what follows a constant, a reduction or a sort does not.
_NOT_ELEMENTWISE = {
    "constant", "custom-call", "gather", "infeed", "iota", "outfeed", "partition-id", "reduce",
    "reduce-window", "rng", "rng-bit-generator", "scatter", "select-and-scatter", "send-done", "sort",
}  # fmt: skip


@dataclass(frozen=True)
class Origins:
    """Where the data of a collective comes from and goes to; empty where the program does not tell.

    `parameters` are the entry's arguments that the operand is, up to moving, cutting and rounding.
    `product_parameters` are those that a product right before it multiplied (for the sum of partial
    products), `results` the entry's results that the outcome goes into, element by element, and
    `next_products` the names of the dots and convolutions that take the outcome as it is.
    """

    parameters: tuple[int, ...] = ()
    product_parameters: tuple[int, ...] = ()
    results: tuple[int, ...] = ()
    next_products: tuple[str, ...] = ()


def trace_origins(module: Module | Flow, collective: Collective) -> Origins:
    """The origins of one collective of the module's ledger; pass a Flow to trace many without repetition."""
    flow = module if isinstance(module, Flow) else Flow(module)
    computation = flow.module.computations.get(collective.computation)
    instruction = computation.by_name.get(collective.instruction) if computation else None
    if computation is None or instruction is None:
        return Origins()
    outcome = Value(computation, instruction, _outcome_path(instruction, collective))
    made_by = computation.operand(instruction, collective.operand)
    if made_by is None:
        return Origins()
    data = Value(computation, made_by)
    before = list(reach(data, flow.sources, is_moved))
    after = list(reach(outcome, flow.targets, lambda value: value == outcome or is_moved(value)))
    return Origins(
        parameters=_entry_parameters(flow, before),
        product_parameters=_product_parameters(flow, data),
        results=_entry_results(flow, outcome),
        next_products=_names(after),
    )


def _outcome_path(instruction: Instruction, collective: Collective) -> tuple[int, ...]:
    inner = (collective.operand,) if collective.operand_count > 1 else ()
    has_places = instruction.opcode.endswith("-start") and instruction.opcode != "all-reduce-start"
    return (1, *inner) if has_places else inner


def _is_elementwise(value: Value) -> bool:
    one = value.instruction
    if is_moved(value) or base_opcode(one).removesuffix("-done") in _SUMS:
        return True
    return one.opcode not in _NOT_ELEMENTWISE | PRODUCTS and bool(one.operands)


def _entry_parameters(flow: Flow, values: list[Value]) -> tuple[int, ...]:
    entry = flow.module.entry
    found = {
        int(value.instruction.literal)
        for value in values
        if value.computation is entry and value.instruction.opcode == "parameter"
    }
    return tuple(sorted(found))


def _product_parameters(flow: Flow, data: Value) -> tuple[int, ...]:
    """The arguments that the nearest products multiplied, found through sums and other elementwise work."""
    found: set[int] = set()
    for value in reach(data, flow.sources, _is_elementwise):
        if value.instruction.opcode in PRODUCTS:
            for operand in flow.sources(value):
                found |= set(_entry_parameters(flow, list(reach(operand, flow.sources, is_moved))))
    return tuple(sorted(found))


def _entry_results(flow: Flow, outcome: Value) -> tuple[int, ...]:
    """The results that hold the outcome's elements, worked on one by one; sums over them are left out."""
    root = flow.module.entry.root
    found: set[int] = set()
    for value in reach(outcome, flow.targets, lambda value: value == outcome or _is_elementwise(value)):
        if value.computation is flow.module.entry and value.instruction is root:
            found |= {value.path[0]} if value.path else {0} if not root.shape.is_tuple else set()
    return tuple(sorted(found))


def _names(values: list[Value]) -> tuple[str, ...]:
    products = [value.instruction.name for value in values if value.instruction.opcode in PRODUCTS]
    return tuple(dict.fromkeys(products))
