import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules import AxisRulesError
from axisrules.adapters import Seeds, dump_seeds, load_seeds

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "_")
PATTERNS = st.text(st.sampled_from('ab/*?."\\é_0\x7f'), min_size=1, max_size=12)
AXES = st.lists(NAMES | st.just("_"), max_size=4).map(" ".join)
SECTIONS = st.dictionaries(PATTERNS, AXES, max_size=4)
SOURCES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("batch", "params", "state", "activations"), SECTIONS),
        "confirm": st.lists(NAMES, max_size=3),
        "translate": st.dictionaries(PATTERNS, NAMES, max_size=3),
        "annotations": st.sampled_from(["ignore", "verify", "translate"]),
        "constraints": st.sampled_from(["keep", "drop"]),
    },
)


def facts(seeds: Seeds) -> object:
    """Seeds without the places that they came from."""
    paths = [(seed.section, seed.pattern.glob, seed.names) for seed in seeds.paths]
    names = [name for name, _ in seeds.confirmed]
    return paths, names, seeds.annotations, seeds.constraints, seeds.translation


@given(SOURCES)
def test_what_is_dumped_reads_back(tmp_path_factory, source):
    seeds = load_seeds(source)
    path = tmp_path_factory.mktemp("seeds") / "axes.toml"
    path.write_text(dump_seeds(seeds), encoding="utf-8")
    assert facts(load_seeds(path)) == facts(seeds)


def test_every_seed_knows_its_line(tmp_path):
    path = tmp_path / "axes.toml"
    path.write_text('confirm = ["mlp"]\n\n[params]\n"**/kernel" = "embed mlp"\n')
    seeds = load_seeds(str(path))
    assert str(seeds.paths[0].origin) == f"{path}:4"
    assert str(seeds.confirmed[0][1]) == f"{path}:1"


def test_nothing_is_no_seeds():
    assert load_seeds(None) == Seeds()
    assert dump_seeds(Seeds()) == ""


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("[paramz]\n", "AXR320", 1),
        ("\nconfirm = 3\n", "AXR320", 2),
        ('confirm = ["two words"]\n', "AXR320", 1),
        ('annotations = "use"\n', "AXR320", 1),
        ("params = 3\n", "AXR320", 1),
        ('[params]\n"a" = "he ads!"\n', "AXR306", 2),
        ('[params]\n"a" = 3\n', "AXR306", 2),
        ('[translate]\n"tp" = ""\n', "AXR320", 2),
        ("[params\n", "AXR102", 1),
    ],
)
def test_what_makes_no_sense_is_told_at_its_line(tmp_path, text, code, line):
    path = tmp_path / "axes.toml"
    path.write_text(text)
    with pytest.raises(AxisRulesError) as raised:
        load_seeds(path)
    assert [(found.code, found.origin.line) for found in raised.value.diagnostics] == [(code, line)]


def test_all_mistakes_are_told_at_once():
    with pytest.raises(AxisRulesError) as raised:
        load_seeds({"paramz": {}, "params": {"a": "9"}, "confirm": "mlp"})
    assert sorted(found.code for found in raised.value.diagnostics) == ["AXR306", "AXR320", "AXR320"]
