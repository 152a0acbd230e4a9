"""Programs compiled by the real compilers for hardware that is not here."""

import math
import os
import subprocess
import sys
import threading

import pytest

from axisrules.diagnostics import AxisRulesError
from axisrules.targets import CompileFailure, compile_many, compile_step

# A described machine of every kind, the mesh as (data, tensor), and the place of its last device.
MACHINES = [
    ("tpu:v5e:2x2", 1, (4, 1), (2, 2), 1),
    ("tpu:v5e:1x1", 1, (1, 1), (1, 1), 1),
    ("tpu:v6e:2x4", 1, (2, 4), (2, 4), 1),
    ("tpu:v4:2x2x1", 1, (2, 2), (2, 2, 1), 1),
    ("tpu:v5p:2x2x2", 1, (4, 2), (2, 2, 2), 1),
    ("tpu:v5p:4x4x8_twisted", 1, (16, 8), (4, 4, 8), 1),
    ("tpu:tpu7x:2x2x1", 1, (4, 2), (2, 2, 1), 2),
    ("tpu:v5e:2x2", 2, (4, 2), (2, 2), 1),
    ("gpu:h100:1x8", 1, (8, 1), (1, 8), 1),
    ("gpu:b200:2x8", 1, (2, 8), (2, 8), 1),
    ("gpu:h200:1x2", 1, (2, 1), (1, 2), 1),
    ("gpu:a100:1x4", 1, (4, 1), (1, 4), 1),
]


def codes(job, **options):
    with pytest.raises(AxisRulesError) as caught:
        compile_step(job, cache=False, **options)
    return [d.code for d in caught.value.diagnostics]


@pytest.mark.parametrize(("target", "slices", "shape", "topology", "cores"), MACHINES)
def test_every_machine_compiles_and_every_device_has_one_place(job, target, slices, shape, topology, cores):
    step = compile_step(job(target, *shape, slices=slices), cache=False)
    in_one_program = math.prod(shape) // slices
    assert f"num_partitions={in_one_program}" in step.module_text or in_one_program == 1
    assert len(step.partitions) == in_one_program
    assert step.module_text.rstrip().endswith("}")
    assert "is_scheduled=true" in step.module_text.splitlines()[0]
    assert step.buffers_text.startswith("BufferAssignment:")
    assert len(set(step.places)) == len(step.places) == step.target.device_count
    islands = {place.island for place in step.places}
    assert islands == set(range(step.target.island_count))
    assert {place.core for place in step.places} == set(range(cores))
    assert {place.coords for place in step.places} == set(all_coords(topology))


def all_coords(sizes):
    return (
        [()] if not sizes else [(first, *rest) for first in range(sizes[0]) for rest in all_coords(sizes[1:])]
    )


@pytest.mark.parametrize("target", ["tpu:v5e:2x2", "gpu:h100:1x4"])
def test_fast_and_full_hold_the_same_program(job, target):
    fast, full = (compile_step(job(target), mode=mode, cache=False) for mode in ("fast", "full"))
    assert fast.memory is None
    assert full.memory.total_bytes >= full.memory.argument_bytes > 0
    assert instructions(fast.module_text) == instructions(full.module_text)
    assert fast.buffers_text == full.buffers_text
    assert fast.places == full.places


def instructions(text):
    """The names and the shapes of all instructions, in their order, without what code generation adds."""
    lines = [line.strip() for line in text.splitlines() if " = " in line and line.startswith("  ")]
    return [line.split("(")[0] for line in lines]


def test_names_of_the_model_survive(job):
    assert "product" in compile_step(job(), cache=False).module_text


def test_donated_arguments_give_their_memory(job):
    module = compile_step(job(), cache=False).module_text
    assert "input_output_alias={ {0}: (0," in module.splitlines()[0]


def test_slices_lie_on_the_axis_that_the_mesh_names(job):
    mesh = "data=4,tensor=2,slices:tensor=2"
    step = compile_step(job("tpu:v5e:2x2", 4, 2, slices=2, mesh=mesh), cache=False)
    assert [place.island for place in step.places] == [0, 1] * 4
    assert step.partitions == (0, 2, 4, 6)
    assert str(step.mesh) == mesh
    by_default = compile_step(job("tpu:v5e:2x2", 4, 2, slices=2), cache=False)
    assert [place.island for place in by_default.places] == [0] * 4 + [1] * 4


def test_nodes_lie_on_the_axis_that_the_mesh_names(job):
    mesh = "data=4,tensor=4,slices:tensor=2"
    step = compile_step(job("gpu:h100:2x8", 4, 4, mesh=mesh), cache=False)
    assert [place.island for place in step.places] == [0, 0, 1, 1] * 4
    by_default = compile_step(job("gpu:h100:2x8", 4, 4), cache=False)
    assert [place.coords for place in by_default.places] == [divmod(number, 8) for number in range(16)]


@pytest.mark.parametrize("mode", ["fast", "full"])
def test_a_program_that_does_not_fit_is_told_and_still_described(job, mode):
    step = compile_step(job(rows=65536, columns=65536), mode=mode, cache=False)
    assert not step.fits
    assert step.shortfall.needed_bytes > 65536**2 * 4 > step.shortfall.available_bytes
    assert step.shortfall.available_bytes == step.target.chip.compile_limit_bytes
    assert [note.code for note in step.notes] == ["AXR810"]
    assert "is_scheduled=true" in step.module_text.splitlines()[0]
    assert step.memory is None


def test_a_gpus_memory_is_held_against_the_buffers(job):
    step = compile_step(job("gpu:h100:1x4", rows=2**18, columns=2**17), cache=False)
    assert step.shortfall.needed_bytes > 2**35 * 4 > step.shortfall.available_bytes == 80 * 10**9


@pytest.mark.parametrize(
    ("target", "devices"),
    [("v4:2x2x1", 4), ("v5e:2x2", 4), ("v5p:2x2x1", 4), ("v6e:2x2", 4), ("tpu7x:2x2x1", 8)],
)
def test_the_limits_of_the_chip_file_are_the_compilers(job, target, devices):
    """To the hundredth of a GiB that its versions differ by."""
    step = compile_step(job(f"tpu:{target}", data=devices, rows=2**18, columns=2**17), cache=False)
    apart = step.target.chip.compile_limit_bytes - step.shortfall.available_bytes
    assert 0 <= apart + 1 < 0.011 * 2**30


def test_the_mesh_is_held_against_the_devices(job):
    assert codes(job(data=8)) == ["AXR205"]


def test_an_option_that_the_compiler_lacks_is_its_own_words(job):
    with pytest.raises(AxisRulesError) as caught:
        compile_step(job(options={"xla_no_such_option": True}), cache=False)
    assert [d.code for d in caught.value.diagnostics] == ["AXR805"]
    assert "xla_no_such_option" in caught.value.diagnostics[0].why


def test_an_option_reaches_the_compiler(job):
    plain, limited = (
        compile_step(job(rows=2**14, columns=2**14, options=options), cache=False)
        for options in ({}, {"xla_tpu_max_hbm_size_mib": 512})
    )
    assert plain.fits
    assert limited.shortfall.available_bytes == 512 * 2**20


def test_another_platforms_program_cannot_be_read(job, exported):
    wrong = job()
    object.__setattr__(wrong, "exported", exported("gpu"))
    assert codes(wrong) == ["AXR808"]
    object.__setattr__(wrong, "exported", b"")
    assert codes(wrong) == ["AXR808"]


def test_a_compiler_whose_time_is_up_is_ended(job):
    late = {"timeout_seconds": 0.05}
    assert codes(job(), **late) == ["AXR806"], "now the server that forks compilers is there"
    before = set(descendants())
    assert codes(job(), **late) == ["AXR806"]
    assert set(descendants()) == before


def descendants():
    """The processes that this one has started, and those that they have, without the one that lists them."""
    listed = subprocess.Popen(["ps", "-eo", "pid=,ppid="], stdout=subprocess.PIPE, text=True)
    parents = dict(line.split() for line in listed.communicate()[0].splitlines())
    found = [str(os.getpid())]
    for parent in found:
        found += [pid for pid, of in parents.items() if of == parent and pid != str(listed.pid)]
    return found[1:]


def test_bad_jobs_do_not_keep_good_ones_from_coming(job):
    jobs = [job(data=8), job(), job(options={"xla_no_such_option": 1}), job("gpu:h100:1x4")]
    seen = []
    outcomes = dict(
        compile_many(jobs, cache=False, on_progress=lambda number, state: seen.append((number, state)))
    )
    failed = {number: o.diagnostic.code for number, o in outcomes.items() if isinstance(o, CompileFailure)}
    assert sorted(outcomes) == [0, 1, 2, 3]
    assert failed == {0: "AXR205", 2: "AXR805"}
    assert sorted(seen) == [(number, state) for number in range(4) for state in ("done", "started")]


def test_leaving_the_iterator_ends_the_compilers(job):
    before = threading.active_count()
    outcomes = compile_many([job(), job(tensor=1, rows=512), job(rows=1024)], cache=False, workers=1)
    next(outcomes)
    outcomes.close()
    assert threading.active_count() == before


def test_two_processes_compile_at_once_and_say_nothing(job, tmp_path):
    (tmp_path / "program").write_bytes(job().exported)
    code = (
        "import pathlib, sys\n"
        "from axisrules.mesh import parse_mesh, parse_target\n"
        "from axisrules.targets import CompileJob, compile_step\n"
        f"program = pathlib.Path({str(tmp_path / 'program')!r}).read_bytes()\n"
        "target, mesh = parse_target('tpu:v5e:2x2'), parse_mesh('data=4,tensor=1')\n"
        "job = CompileJob(program, target, mesh, donated=(0,))\n"
        f"print(len(compile_step(job, cache={str(tmp_path / 'cache')!r}).module_text))\n"
        "assert not {'jax', 'libtpu', 'numpy'} & set(sys.modules), 'the caller needs none of them'\n"
    )
    command = [sys.executable, "-c", code]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    finished = [process.communicate(timeout=120) for process in started]
    assert finished[0] == finished[1]
    assert int(finished[0][0]) > 1000
    assert finished[0][1] == ""
