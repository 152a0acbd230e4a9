"""When a dump holds the whole scheduled program, whatever order the compiler writes its files in."""

import os
from itertools import permutations
from pathlib import Path

import pytest

from axisrules.targets.dump import NAMES, is_scheduled


def write(folder: Path, pattern: str, second: int) -> None:
    path = folder / f"module_0001.jit_call.{pattern.replace('*', '').lstrip('.')}"
    path.write_text("text")
    os.utime(path, ns=(second * 10**9, second * 10**9))


@pytest.mark.parametrize("platform", NAMES)
def test_it_is_whole_once_the_last_file_follows_all_others(tmp_path: Path, platform: str) -> None:
    names = NAMES[platform]
    for number, order in enumerate(permutations([names.module, names.buffers, names.report])):
        folder = tmp_path / str(number)
        folder.mkdir()
        for second, pattern in enumerate(order):
            assert not is_scheduled(folder, names)
            write(folder, pattern, second)
        assert not is_scheduled(folder, names)
        write(folder, names.last, 3)
        assert is_scheduled(folder, names)


def test_what_another_module_left_before_does_not_count(tmp_path: Path) -> None:
    names = NAMES["gpu"]
    write(tmp_path, names.last, 0)
    write(tmp_path, names.report, 1)
    write(tmp_path, names.buffers, 1)
    assert not is_scheduled(tmp_path, names)
    write(tmp_path, names.module, 2)
    assert not is_scheduled(tmp_path, names)
    write(tmp_path, names.last, 2)
    assert is_scheduled(tmp_path, names)
