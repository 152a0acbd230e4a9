"""Tables played through by hand: every task finds the very value that it needs where it looks."""

from hypothesis import given

from axisrules.pipeline.tables import Tables, rows_between
from axisrules.schedules import forward_only, loops, make_schedule
from tests.schedules.test_verify import schedules


class Device:
    """Boxes that hold what was put there last."""

    def __init__(self):
        self.inbox, self.saved, self.outbox, self.parked = {}, {}, {}, {}


def play(schedule):
    """Move names of values about as the engine moves values, and say what each task has read."""
    tables = Tables(schedule).all
    devices = [Device() for _ in range(schedule.stages)]
    last, spread = schedule.virtual_stages - 1, schedule.head_rounds > 0
    conveyor = [None] * schedule.stages
    has_backward = "backward" in schedule.ticks
    for turn in range(len(schedule.rounds)):
        row = {name: table[turn] for name, table in tables.items()}
        sent, back = [None] * schedule.stages, [None] * schedule.stages
        for d, device in enumerate(devices):
            if spread and has_backward:
                device.outbox[row["head_outbox"][d]] = ("gradient", conveyor[d])
            device.saved[row["forward_saved"][d]] = None
            if row["forward_on"][d]:
                i, k = row["forward_microbatch"][d], row["forward_stage"][d]
                read = device.inbox.get(row["forward_inbox"][d]) if k else ("activation", i, 0)
                assert read == ("activation", i, k)
                device.saved[row["forward_saved"][d]] = (i, k)
                sent[d] = ("activation", i, k + 1)
            if spread and d == schedule.stages - 1:
                conveyor[d] = sent[d] and (sent[d][1], sent[d][2] - 1)
            if not spread and has_backward:
                out = sent[d] and ("gradient", (sent[d][1], sent[d][2] - 1))
                device.outbox[row["head_outbox"][d]] = out
            if spread and row["head_on"][d]:
                assert conveyor[d] == (row["head_microbatch"][d], last)
            if row["backward_on"][d]:
                i, k = row["backward_microbatch"][d], row["backward_stage"][d]
                assert device.outbox[row["backward_outbox"][d]] == ("gradient", (i, k))
                assert device.saved[row["backward_saved"][d]] == (i, k)
                back[d] = ("gradient", (i, k - 1))
            if has_backward:
                device.parked[row["backward_parked"][d]] = back[d] and (i, k)
            if row["weight_on"][d]:
                place = (row["weight_microbatch"][d], row["weight_stage"][d])
                assert device.parked[row["weight_parked"][d]] == place
        for d, device in enumerate(devices):
            device.inbox[row["arriving_inbox"][d]] = sent[d - 1]
            device.outbox[row["arriving_outbox"][d]] = back[(d + 1) % schedule.stages]
        conveyor = [conveyor[d - 1] for d in range(schedule.stages)]


@given(schedules())
def test_every_task_reads_what_it_needs(schedule):
    play(schedule)


@given(schedules())
def test_forward_alone_does_too(schedule):
    play(forward_only(schedule))


@given(schedules())
def test_every_share_of_the_head_is_done_once(schedule):
    tables = Tables(schedule).all
    if not schedule.head_rounds:
        return
    done = [
        (int(tables["head_microbatch"][turn, d]), d)
        for turn in range(len(schedule.rounds))
        for d in range(schedule.stages)
        if tables["head_on"][turn, d]
    ]
    assert sorted(done) == [(i, d) for i in range(schedule.microbatches) for d in range(schedule.stages)]


@given(schedules())
def test_loops_cover_all_rows(schedule):
    tables = Tables(schedule).all
    rows = [rows_between(tables, loop.first_round, loop.trips)["forward_on"] for loop in loops(schedule)]
    assert sum(len(part) for part in rows) == len(schedule.rounds)


@given(schedules())
def test_there_is_at_most_one_place_more_than_are_taken_at_once(schedule):
    tables = Tables(schedule)
    for box, count in tables.counts.items():
        taken = getattr(tables.slots, f"{box}_count")
        assert taken <= count <= taken + 1
        written = [table for name, table in tables.all.items() if name.endswith(f"_{box}")]
        assert all(table.min() >= 0 and table.max() < count for table in written)


def test_a_pipeline_that_runs_on_needs_no_place_to_spare_for_what_it_saves():
    assert Tables(make_schedule("1f1b", 4, 32)).counts["saved"] == 7
