import os
import stat
from pathlib import Path

import pytest

from axisrules.cli.output import check_output, write_output
from axisrules.diagnostics import AxisRulesError


def refused(path, *, force=False) -> str:
    with pytest.raises(AxisRulesError) as caught:
        write_output(path, "new", force=force)
    (found,) = caught.value.diagnostics
    assert found.code == "AXR601"
    return found.why


def test_a_new_file_is_written_with_the_usual_rights(tmp_path):
    old = os.umask(0o022)
    try:
        write_output(tmp_path / "a.txt", "é\n", force=False)
    finally:
        os.umask(old)
    assert (tmp_path / "a.txt").read_bytes() == "é\n".encode()
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


def test_what_exists_is_kept_without_force(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    assert "exists" in refused(path)
    assert path.read_text() == "old"
    write_output(path, "new", force=True)
    assert path.read_text() == "new"


@pytest.mark.parametrize("target_exists", [True, False])
def test_a_symlink_is_never_followed(tmp_path, target_exists):
    target, link = tmp_path / "target", tmp_path / "link"
    if target_exists:
        target.write_text("precious")
    link.symlink_to(target)
    assert "symlink" in refused(link)
    write_output(link, "new", force=True)
    assert not link.is_symlink()
    assert link.read_text() == "new"
    assert target.exists() == target_exists


@pytest.mark.parametrize("name", [".", "gone/a.txt"])
def test_places_where_no_file_can_be(tmp_path, name):
    refused(tmp_path / name, force=True)


def test_dots_do_not_lead_out_of_the_working_folder_without_force(tmp_path, monkeypatch):
    (tmp_path / "here" / "deeper").mkdir(parents=True)
    (tmp_path / "there").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "there")
    monkeypatch.chdir(tmp_path / "here")
    for way_out in ("../a.txt", "deeper/../../there/a.txt", "link/../a.txt", f"{tmp_path}/here/../a.txt"):
        assert "working folder" in refused(Path(way_out))
    for inside in ("deeper/../a.txt", "deeper/b.txt", f"{tmp_path}/here/deeper/../c.txt"):
        write_output(Path(inside), "new", force=False)
    write_output(Path("../a.txt"), "new", force=True)
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    assert "No space" in refused(tmp_path / "a.txt", force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_it_can_be_asked_before_long_work(tmp_path):
    check_output(tmp_path / "a.txt", force=False)
    with pytest.raises(AxisRulesError):
        check_output(tmp_path, force=True)
