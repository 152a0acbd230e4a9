"""Compiled steps on disk: what decides a key, and what becomes of spoiled entries and full folders."""

import dataclasses
import os
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axisrules.mesh import parse_mesh, parse_target
from axisrules.targets import CompiledStep, CompileJob, DevicePlace, MemoryStats, Shortfall, compile_step
from axisrules.targets.step_cache import StepCache, cache_key, default_cache

VERSIONS = {"jax": "1.0", "libtpu": "2.0"}
JOB = CompileJob(b"program", parse_target("tpu:v5e:2x2"), parse_mesh("data=4"), (0,), {"a": 1, "b": True})
STEP = CompiledStep(
    target=JOB.target,
    mesh=JOB.mesh,
    mode="full",
    module_text="HloModule ü",
    buffers_text="BufferAssignment:",
    partitioned_text="HloModule whole",
    memory=MemoryStats(1, 2, 3, 4, 5),
    places=tuple(DevicePlace((x, y), 0, 0) for x in range(2) for y in range(2)),
    shortfall=Shortfall(10, 9),
    messages="said",
    versions=(("jax", "1.0"),),
    wall_seconds=1.5,
    cpu_seconds=2.5,
    peak_bytes=7,
)
KEY = cache_key(JOB, "full", VERSIONS)


def test_what_is_stored_is_loaded(tmp_path):
    cache = StepCache(tmp_path / "deep" / "cache")
    assert cache.load(KEY, JOB, "full") is None
    assert cache.store(KEY, STEP) is None
    assert cache.load(KEY, JOB, "full") == dataclasses.replace(STEP, is_cached=True)
    assert len(list(cache.folder.iterdir())) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"exported": b"programs"},
        {"target": parse_target("tpu:v6e:2x2")},
        {"target": parse_target("tpu:v5e:2x2", slices=2)},
        {"mesh": parse_mesh("tensor=4")},
        {"mesh": parse_mesh("data=4", axis_type="explicit")},
        {"donated": ()},
        {"options": {"a": 1}},
        {"options": {"a": 1, "b": 1.5}},
    ],
)
def test_all_that_decides_a_program_decides_its_key(other):
    assert cache_key(dataclasses.replace(JOB, **other), "full", VERSIONS) != KEY


def test_mode_and_versions_decide_the_key_and_orders_do_not():
    assert cache_key(JOB, "fast", VERSIONS) != KEY
    assert cache_key(JOB, "full", VERSIONS | {"libtpu": "2.1"}) != KEY
    turned = dataclasses.replace(JOB, options={"b": True, "a": 1}, name="another")
    assert cache_key(turned, "full", dict(reversed(VERSIONS.items()))) == KEY


def test_keys_are_equal_in_all_processes(tmp_path):
    """A program exported twice, under different hash seeds, has one key."""
    code = (
        "import jax, jax.export, hashlib\n"
        "from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec as P\n"
        "mesh = AbstractMesh((4,), ('data',), axis_types=(jax.sharding.AxisType.Auto,))\n"
        "step = jax.jit(lambda x: [x * 2, x.sum()], in_shardings=NamedSharding(mesh, P('data')))\n"
        "made = jax.export.export(step, platforms=('tpu',))(jax.ShapeDtypeStruct((8,), 'float32'))\n"
        "print(hashlib.sha256(bytes(made.serialize())).hexdigest())\n"
    )
    script = tmp_path / "make.py"
    script.write_text(code, encoding="utf-8")
    digests = {
        subprocess.run(
            [sys.executable, str(script)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "JAX_PLATFORMS": "cpu"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@given(cut=st.integers(0, 10_000), flipped=st.integers(0, 10_000), is_cut=st.booleans())
def test_a_truncated_or_spoiled_entry_is_no_entry(tmp_path_factory, cut, flipped, is_cut):
    cache = StepCache(tmp_path_factory.mktemp("cache"))
    cache.store(KEY, STEP)
    (path,) = cache.folder.iterdir()
    whole = path.read_bytes()
    place = flipped % len(whole)
    spoiled = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    path.write_bytes(whole[: cut % len(whole)] if is_cut else spoiled)
    assert cache.load(KEY, JOB, "full") is None
    cache.store(KEY, STEP)
    assert cache.load(KEY, JOB, "full") == dataclasses.replace(STEP, is_cached=True)


def test_another_keys_entry_is_no_entry(tmp_path):
    cache = StepCache(tmp_path)
    other = cache_key(JOB, "fast", VERSIONS)
    cache.store(other, STEP)
    (tmp_path / f"{other}.step").rename(tmp_path / f"{KEY}.step")
    assert cache.load(KEY, JOB, "full") is None


def test_a_folder_in_an_entrys_place_is_no_entry(tmp_path):
    (tmp_path / f"{KEY}.step").mkdir()
    assert StepCache(tmp_path).load(KEY, JOB, "full") is None
    assert StepCache(tmp_path).store(KEY, STEP).code == "AXR809"
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY}.step"]


@pytest.mark.parametrize("place", ["/dev/null/cache", "/proc/cache"])
def test_a_folder_that_takes_nothing_is_a_warning(place, tmp_path):
    found = StepCache(type(tmp_path)(place)).store(KEY, STEP)
    assert (found.code, found.severity) == ("AXR809", "warning")


def test_what_was_used_longest_ago_goes_first(tmp_path):
    size = len(_entry(tmp_path / "probe"))
    cache = StepCache(tmp_path / "cache", limit_bytes=3 * size + size // 2)
    keys = [cache_key(JOB, "full", {"jax": str(number)}) for number in range(5)]
    for age, key in enumerate(keys[:3]):
        cache.store(key, STEP)
        os.utime(cache.folder / f"{key}.step", (1000 + age, 1000 + age))
    assert cache.load(keys[0], JOB, "full")  # it is the last one used now
    cache.store(keys[3], STEP)
    kept = {path.stem for path in cache.folder.iterdir()}
    assert kept == {keys[0], keys[2], keys[3]}


def _entry(folder):
    StepCache(folder).store(KEY, STEP)
    return next(folder.iterdir()).read_bytes()


def test_what_a_dead_process_left_is_removed(tmp_path):
    left, fresh = tmp_path / ".unfinished-old", tmp_path / ".unfinished-new"
    for path in (left, fresh):
        path.write_bytes(b"half")
    os.utime(left, (1000, 1000))
    StepCache(tmp_path).store(KEY, STEP)
    assert (left.exists(), fresh.exists()) == (False, True)


def test_writers_at_once_leave_one_whole_entry(tmp_path):
    cache = StepCache(tmp_path)
    writers = [threading.Thread(target=cache.store, args=(KEY, STEP)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert cache.load(KEY, JOB, "full") == dataclasses.replace(STEP, is_cached=True)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_folder_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("AXISRULES_CACHE", str(tmp_path / "here"))
    assert default_cache() == tmp_path / "here"
    monkeypatch.delenv("AXISRULES_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "axisrules"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "axisrules"


def test_a_step_is_compiled_once(job, tmp_path):
    first, second = (compile_step(job(), cache=tmp_path) for _ in range(2))
    assert (first.is_cached, second.is_cached) == (False, True)
    assert dataclasses.replace(second, is_cached=False) == first
    assert compile_step(job(), cache=False).is_cached is False


def test_an_unwritable_cache_is_a_note_and_no_failure(job):
    step = compile_step(job(), cache="/dev/null/cache")
    assert [note.code for note in step.notes] == ["AXR809"]
    assert step.fits
