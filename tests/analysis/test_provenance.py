"""Names and lines of arrays whose collective lost them, or has one for several."""

from axisrules.analysis import read_ledger, read_module
from axisrules.mesh import parse_mesh

TABLES = """HloModule small, is_scheduled=true, num_partitions=8

FileNames
1 "model.py"
2 "/venv/lib/site-packages/flax/linen/linear.py"

FunctionNames
1 "block"

FileLocations
1 {file_name_id=1 function_name_id=1 line=10}
2 {file_name_id=1 function_name_id=1 line=20}
3 {file_name_id=2 function_name_id=1 line=99}

StackFrames
1 {file_location_id=1 parent_frame_id=1}
2 {file_location_id=2 parent_frame_id=1}
3 {file_location_id=3 parent_frame_id=1}

"""
ENTRY = """ENTRY %main (p: f32[8,8], q: f32[8,8]) -> f32[8,8] {
  %p = f32[8,8] parameter(0)
  %q = f32[8,8] parameter(1)
"""
DOT = "dot({}, %q), lhs_contracting_dims={{1}}, rhs_contracting_dims={{0}}"


def rows(body: str) -> list[tuple[str, str, int]]:
    ledger = read_ledger(read_module(TABLES + ENTRY + body + "}\n"), parse_mesh("data=8"))
    return [(one.op_name, one.module_path, one.source.line if one.source else 0) for one in ledger]


def metadata(name: str, frame: int) -> str:
    return f'metadata={{op_name="jit(f)/jvp({name})/dot_general" stack_frame_id={frame}}}'


def test_a_sum_without_a_name_takes_that_of_what_made_it() -> None:
    found = rows(
        f"  %d = f32[8,8] {DOT.format('%p')}, {metadata('A', 1)}\n"
        "  %r = f32[8,8] all-reduce(%d), replica_groups={}, to_apply=%sum\n"
        f"  ROOT %e = f32[8,8] {DOT.format('%r')}, {metadata('B', 2)}\n"
    )
    assert found == [("jit(f)/jvp(A)/dot_general", "A", 10)]


def test_a_gather_without_a_name_takes_that_of_what_takes_it() -> None:
    found = rows(
        f"  %d = f32[1,8] {DOT.format('%p')}, {metadata('A', 1)}\n"
        "  %r = f32[8,8] all-gather(%d), replica_groups={}, dimensions={0}\n"
        f"  ROOT %e = f32[8,8] {DOT.format('%r')}, {metadata('B', 2)}\n"
    )
    assert found == [("jit(f)/jvp(B)/dot_general", "B", 20)]


def test_each_array_of_a_combined_collective_takes_its_own_part_of_the_name_and_its_own_line() -> None:
    found = rows(
        f"  %d = f32[8,8] {DOT.format('%p')}, {metadata('B', 2)}\n"
        f"  %e = f32[8,8] {DOT.format('%p')}, {metadata('A', 1)}\n"
        "  %r = (f32[8,8], f32[8,8]) all-reduce(%e, %d), replica_groups={}, to_apply=%sum, "
        'metadata={op_name="jit(f)/(jvp(A)/dot_general:jvp(B)/dot_general)" stack_frame_id=1}\n'
        "  ROOT %x = f32[8,8] get-tuple-element(%r), index=1\n"
    )
    assert found == [("jit(f)/jvp(A)/dot_general", "A", 10), ("jit(f)/jvp(B)/dot_general", "B", 20)]


def test_a_merged_name_of_too_few_parts_is_not_believed() -> None:
    found = rows(
        f"  %d = f32[8,8] {DOT.format('%p')}, {metadata('B', 2)}\n"
        f"  %e = f32[8,8] {DOT.format('%p')}, {metadata('A', 1)}\n"
        "  %r = (f32[8,8], f32[8,8]) all-reduce(%e, %d), replica_groups={}, to_apply=%sum, "
        'metadata={op_name="jit(f)/jvp(A)/dot_general" stack_frame_id=1}\n'
        "  ROOT %x = f32[8,8] get-tuple-element(%r), index=1\n"
    )
    assert [line for _, _, line in found] == [10, 20]


def test_a_line_of_libraries_alone_is_no_source() -> None:
    found = rows(
        f"  ROOT %r = f32[8,8] all-reduce(%p), replica_groups={{}}, to_apply=%sum, {metadata('A', 3)}\n"
    )
    assert found == [("jit(f)/jvp(A)/dot_general", "A", 0)]


def test_what_nothing_names_stays_empty() -> None:
    assert rows("  ROOT %r = f32[8,8] all-reduce(%p), replica_groups={}, to_apply=%sum\n") == [("", "", 0)]
