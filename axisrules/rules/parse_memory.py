"""`remat` and `accumulate` of a table: plain values into policies, with a finding for what is none."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from axisrules.diagnostics import Origin
from axisrules.rules.remat import LAYERS, LOSS_IS, NAMED_REMATS, NO_REMAT, Accumulate, LossIs, Remat

Path = tuple[str | int, ...]
REMAT_KEYS = ("recompute", "save", "offload", "every")
ACCUMULATE_KEYS = ("microbatches", "weight", "loss")


class Reader(Protocol):
    """What reads a table, and collects what is wrong with it."""

    @property
    def locate(self) -> Callable[[Path], Origin]:
        """Where the value at a path stands."""

    def known_keys(self, path: Path, value: Mapping[object, object], known: tuple[str, ...]) -> None:
        """Note the keys of `value` that are not among `known`."""

    def wrong_type(self, path: Path, value: object, wanted: str) -> None:
        """Note that `value` is not what is wanted."""

    def text(self, path: Path, value: object) -> str:
        """`value` as a string; "" and a finding where it is none."""

    def is_pattern(self, path: Path, glob: str) -> bool:
        """Whether `glob` is a path pattern; a finding where it is none."""


def parse_remat(reader: Reader, value: object) -> tuple[Remat, ...] | None:
    """The policies that `value` means: a name, a path pattern, a table of options, or a list of those."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return tuple(
            policy for i, part in enumerate(value) for policy in _policies(reader, ("remat", i), part)
        )
    return tuple(_policies(reader, ("remat",), value))


def parse_accumulate(reader: Reader, value: object) -> Accumulate | None:
    """What `value` means: a number of microbatches, or a table of options."""
    path: Path = ("accumulate",)
    if value is None or isinstance(value, Accumulate):
        return value
    options: Mapping[object, object] = value if isinstance(value, Mapping) else {"microbatches": value}
    reader.known_keys(path, options, ACCUMULATE_KEYS)
    loss: LossIs = "sum" if options.get("loss") == "sum" else "mean"
    if options.get("loss", loss) not in LOSS_IS:
        reader.wrong_type(path, options["loss"], "`mean` or `sum`, whichever the loss is")
    count = _count(reader, path, options.get("microbatches"))
    return Accumulate(count, reader.text(path, options.get("weight", "")), loss, reader.locate(path))


def _policies(reader: Reader, path: Path, value: object) -> Iterator[Remat]:
    if isinstance(value, Remat):
        yield value
        return
    options: Mapping[object, object] = value if isinstance(value, Mapping) else {"recompute": value}
    reader.known_keys(path, options, REMAT_KEYS)
    recompute, save, offload = (
        _words(reader, path, options.get(key, default))
        for key, default in (("recompute", LAYERS), ("save", ()), ("offload", ()))
    )
    every = _count(reader, path, options.get("every", 1))
    name = recompute[0] if len(recompute) == 1 and recompute[0] in NAMED_REMATS else ""
    if every > 1 and LAYERS not in recompute:
        reader.wrong_type(path, every, f"`every` beside `recompute = {LAYERS}` only, since it counts layers")
    if not name and not all(glob == LAYERS or reader.is_pattern(path, glob) for glob in recompute):
        return
    if name != NO_REMAT:
        yield Remat(NAMED_REMATS.get(name, recompute), save, offload, every, name, reader.locate(path))


def _words(reader: Reader, path: Path, value: object) -> tuple[str, ...]:
    words = (value,) if isinstance(value, str) else value
    if isinstance(words, list | tuple) and all(isinstance(word, str) and word for word in words):
        return tuple(" ".join(word.split()) for word in words)
    reader.wrong_type(path, value, "a name or a list of names")
    return ()


def _count(reader: Reader, path: Path, value: object) -> int:
    if type(value) is int and value >= 1:  # `True` is an int, and no count.
        return value
    reader.wrong_type(path, value, "a whole number from 1")
    return 1
