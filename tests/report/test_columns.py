import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from axisrules.report.columns import Column, tables_that_fit

WORDS = st.text("abc[]é0", min_size=1, max_size=9)


def shown(keys, facts, width: int) -> list[list[str]]:
    file = io.StringIO()
    console = Console(file=file, width=width, markup=False, highlight=False)
    made = []
    for table in tables_that_fit(keys, facts, width):
        console.print(table)
        made.append([line.rstrip() for line in file.getvalue().splitlines()])
        file.seek(0)
        file.truncate()
    return made


@given(
    st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=2, max_size=2), st.sampled_from("xy")), min_size=1),
    st.integers(30, 120),
)
def test_every_cell_is_shown_on_one_line_within_the_width(facts, width):
    key = Column("name", ("first", "second"), is_number=False)
    columns = [Column(heading, tuple(cells), theme) for heading, cells, theme in facts]
    tables = shown([key], columns, width)
    assert all(len(line) <= width for lines in tables for line in lines)
    assert all([line.split()[0] for line in lines] == ["name", "first", "second"] for lines in tables)
    for place in range(3):
        words = [word for lines in tables for word in lines[place].split()[1:]]
        wanted = [(column.heading, *column.cells)[place] for column in columns]
        assert sorted(words) == sorted(wanted)


def test_a_theme_stays_together_where_it_fits():
    key = Column("name", ("a",), is_number=False)
    facts = [Column(f"{theme}{n}", ("1",), theme) for theme in "pqr" for n in range(2)]
    assert [lines[0].split()[1:] for lines in shown([key], facts, 20)] == [
        ["p0", "p1"],
        ["q0", "q1"],
        ["r0", "r1"],
    ]
    assert len(shown([key], facts, 80)) == 1
