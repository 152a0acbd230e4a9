"""Writes of devices that wait, on tables made by hand."""

import numpy as np

from axisrules.pipeline.spare import ARRIVED, MADE, READ, with_spare


def column(*places):
    return np.array(places, np.int32)[:, None]


def test_what_nobody_reads_goes_over_what_was_read():
    (table,), count = with_spare([(column(0, -1, -1), MADE)], [(column(-1, 0, -1), READ)], 1)
    assert count == 2, "in round 1 the only place waits to be read"
    assert table[:, 0].tolist() == [0, 1, 0]


def test_what_arrives_comes_after_reading():
    (table,), count = with_spare([(column(0, -1, -1), ARRIVED)], [(column(-1, 0, -1), READ)], 1)
    assert count == 1
    assert table[:, 0].tolist() == [0, 0, 0]


def test_a_box_that_nobody_reads_has_one_place():
    (table,), count = with_spare([(column(-1, -1), MADE)], [(column(-1, -1), READ)], 0)
    assert count == 1
    assert table[:, 0].tolist() == [0, 0]
