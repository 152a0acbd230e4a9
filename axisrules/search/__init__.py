"""Which layout to take: rule tables proposed, compiled, compared and explained."""

from axisrules.search.answer import Reason, nearly_won, reasons
from axisrules.search.bounds import Bounds
from axisrules.search.candidate import Candidate
from axisrules.search.conclusion import Conclusion, conclude
from axisrules.search.constraints import Constraints, SizeRange, parse_constraints
from axisrules.search.fitting import FitProgress, FitReport, TableFit, fit, meshes_of
from axisrules.search.journal import Journal, journal_key
from axisrules.search.loop import Budget, Progress, search
from axisrules.search.measured import Measured, timed
from axisrules.search.meshes import factorisations
from axisrules.search.no_fit import nothing_fits
from axisrules.search.result import SearchResult, described
from axisrules.search.roles import Group, Roles, read_roles
from axisrules.search.score import Scored, ScoreProgress, Scorer, score, scored
from axisrules.search.space import Space, make_space, signature_of
from axisrules.search.start import Start, find_start
from axisrules.search.strategy import ExpectedGain, Strategy
from axisrules.search.what_if import WhatIf, slower_network, with_half_the_chips, with_program

__all__ = [
    "Bounds",
    "Budget",
    "Candidate",
    "Conclusion",
    "Constraints",
    "ExpectedGain",
    "FitProgress",
    "FitReport",
    "Group",
    "Journal",
    "Measured",
    "Progress",
    "Reason",
    "Roles",
    "ScoreProgress",
    "Scored",
    "Scorer",
    "SearchResult",
    "SizeRange",
    "Space",
    "Start",
    "Strategy",
    "TableFit",
    "WhatIf",
    "conclude",
    "described",
    "factorisations",
    "find_start",
    "fit",
    "journal_key",
    "make_space",
    "meshes_of",
    "nearly_won",
    "nothing_fits",
    "parse_constraints",
    "read_roles",
    "reasons",
    "score",
    "scored",
    "search",
    "signature_of",
    "slower_network",
    "timed",
    "with_half_the_chips",
    "with_program",
]
