from axisrules.rules import preset_names, preset_text, read_rules


def test_all_are_listed_with_mesh_and_purpose(run, run_json):
    code, out, _ = run("presets")
    assert code == 0
    assert all(name in out for name in preset_names())
    listed = run_json("presets")[1]["presets"]
    assert [entry["name"] for entry in listed] == list(preset_names())
    assert all(entry["doc"] and entry["mesh"] for entry in listed)


def test_one_is_printed_whole(run, run_json):
    assert run("presets", "fsdp")[1] == preset_text("fsdp")
    assert run_json("presets", "fsdp")[1]["toml"] == preset_text("fsdp")


def test_an_unknown_name(run):
    code, _, err = run("presets", "fdsp")
    assert code == 2
    assert "did you mean `fsdp`?" in err


def test_one_is_written_and_can_be_read(run, tmp_path):
    path = tmp_path / "mine.toml"
    assert run("presets", "tp", "-o", str(path))[0] == 0
    assert read_rules(path).rules
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_an_output_without_a_name(run, tmp_path):
    code, _, err = run("presets", "-o", str(tmp_path / "mine.toml"))
    assert code == 2
    assert "AXR602" in err
