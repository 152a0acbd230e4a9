import pytest


@pytest.mark.parametrize("api", ["linen", "nnx"])
def test_the_built_in_decoder_is_well_typed(run, api):
    code, out, _ = run("typecheck", "--api", api)
    assert code == 0
    assert "no contradiction" in out


def test_a_mistake_is_told_with_its_culprit_and_its_line(run, run_json):
    code, out, _ = run("typecheck", "--model", "tests.cli.unnamed:mistaken")
    assert code == 1
    assert "AXR322" in out
    assert "params:down" in out
    assert "dot_general" in out
    assert "unnamed.py" in out
    code, report = run_json("typecheck", "--model", "tests.cli.unnamed:mistaken")
    assert code == 1
    assert report["errors"] == len(report["findings"]) > 0


def test_a_model_without_annotations_has_nothing_to_contradict(run):
    assert run("typecheck", "--model", "tests.cli.unnamed:model")[0] == 0


def test_a_model_that_cannot_be_traced(run):
    code, _, err = run("typecheck", "--model", "tests.cli.unnamed:concrete")
    assert code == 2
    assert "AXR311" in err
