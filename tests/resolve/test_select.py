"""Which rules speak for an array: path before kind before the base table."""

import pytest

from axisrules.resolve import RuleIndex, resolve
from axisrules.rules import Kind, parse_rules

TABLE = parse_rules(
    {
        "rules": {"embed": "base", "mlp": "base"},
        "kind": {"params": {"embed": "params"}, "optimizer": {"mlp": "optimizer"}},
        "path": {
            "**": {"head": "anywhere"},
            "decoder/**": {"embed": "decoder"},
            "decoder/mlp/*": {"embed": "decoder_mlp"},
            "params:decoder/mlp/*": {"embed": "params_decoder_mlp"},
            "optimizer:decoder/mlp/*": {"embed": "optimizer_decoder_mlp"},
            "cache:decoder/mlp/kernel": {"embed": "cache"},
        },
    }
)


def target(kind: Kind | None, path: str, name: str = "embed") -> str:
    index = RuleIndex(TABLE)
    return resolve([name], index, chain=index.chain(kind, path)).spec[0][0]


@pytest.mark.parametrize(
    ("kind", "path", "wanted"),
    [
        (None, "encoder/kernel", "base"),
        ("activations", "encoder/kernel", "base"),
        ("params", "encoder/kernel", "params"),
        ("gradients", "encoder/kernel", "params"),
        ("optimizer", "encoder/kernel", "params"),
        ("batch", "decoder/kernel", "decoder"),
        ("params", "decoder/kernel", "decoder"),
        ("batch", "decoder/mlp/kernel", "decoder_mlp"),
        ("params", "decoder/mlp/kernel", "params_decoder_mlp"),
        ("gradients", "decoder/mlp/kernel", "params_decoder_mlp"),
        ("optimizer", "decoder/mlp/kernel", "optimizer_decoder_mlp"),
        ("cache", "decoder/mlp/kernel", "cache"),
        ("cache", "decoder/mlp/bias", "decoder_mlp"),
    ],
)
def test_the_most_specific_scope_wins(kind: Kind | None, path: str, wanted: str) -> None:
    assert target(kind, path) == wanted


def test_a_scope_replaces_only_the_names_that_it_has() -> None:
    assert target("params", "decoder/mlp/kernel", "mlp") == "base"
    assert target("optimizer", "decoder/mlp/kernel", "mlp") == "optimizer"
    assert target("params", "decoder/mlp/kernel", "head") == "anywhere"


def test_rules_of_a_narrower_scope_are_tried_first() -> None:
    table = parse_rules({"rules": {"heads": "x", "embed": "y"}, "kind": {"params": {"embed": "x"}}})
    index = RuleIndex(table)
    assert resolve(["heads", "embed"], index, chain=index.chain("params", "")).spec == ((), ("x",))
    assert resolve(["heads", "embed"], index, chain=index.chain("batch", "")).spec == (("x",), ("y",))


def test_which_pattern_is_more_specific_does_not_depend_on_the_order_of_tables() -> None:
    wide = parse_rules({"path": {"a/**": {"embed": "wide"}}})
    narrow = parse_rules({"path": {"a/b/*": {"embed": "narrow"}}})
    for table in (wide | narrow, narrow | wide):
        index = RuleIndex(table)
        assert resolve(["embed"], index, chain=index.chain("params", "a/b/c")).spec == (("narrow",),)


def test_alternatives_of_one_scope_do_not_go_on_in_the_next() -> None:
    """A scope's `embed` is its own list; a rule of the base table is no fallback for it."""
    table = parse_rules({"rules": {"heads": "x", "embed": "y"}, "path": {"p": {"heads": "z", "embed": "z"}}})
    index = RuleIndex(table)
    assert resolve(["heads", "embed"], index, chain=index.chain(None, "p")).spec == (("z",), ())
