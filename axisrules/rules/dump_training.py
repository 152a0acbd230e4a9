"""What a table says of how a step is run, as TOML."""

import json
from collections.abc import Iterator

from axisrules.rules.remat import NO_REMAT, Accumulate, Remat
from axisrules.rules.table import RuleTable


def training_entries(table: RuleTable) -> Iterator[tuple[str, str]]:
    """Key and value of every entry that `table` has, the value as TOML."""
    if table.remat is not None:
        policies = [_remat(policy) for policy in table.remat]
        yield (
            "remat",
            policies[0] if len(policies) == 1 else _list(policies) if policies else _string(NO_REMAT),
        )
    if table.accumulate is not None:
        yield "accumulate", _accumulate(table.accumulate)
    for key, value in table.pipeline.entries:
        yield key, _string(value) if isinstance(value, str) else _numbers(value)


def _remat(policy: Remat) -> str:
    words = (policy.name,) if policy.name else policy.recompute
    what = _words(words)
    options = [
        (key, _words(items)) for key, items in (("save", policy.save), ("offload", policy.offload)) if items
    ]
    options += [("every", str(policy.every))] if policy.every > 1 else []
    if not options and len(words) == 1:
        return what
    return _table([("recompute", what), *options])


def _accumulate(wanted: Accumulate) -> str:
    options = [("weight", _string(wanted.weight))] if wanted.weight else []
    options += [("loss", _string(wanted.loss))] if wanted.loss != "mean" else []
    count = str(wanted.microbatches)
    return _table([("microbatches", count), *options]) if options else count


def _numbers(value: int | tuple[int, ...]) -> str:
    return str(value) if isinstance(value, int) else _list([str(number) for number in value])


def _table(entries: list[tuple[str, str]]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in entries) + " }"


def _list(values: list[str]) -> str:
    return "[" + ", ".join(values) + "]"


def _words(words: tuple[str, ...]) -> str:
    return _string(words[0]) if len(words) == 1 else _list([_string(word) for word in words])


def _string(text: str) -> str:
    # JSON's escapes are TOML's too, except that TOML also wants DEL escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
