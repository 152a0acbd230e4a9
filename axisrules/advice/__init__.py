"""Tables held against what they might have said instead, by what the compiler shows of both."""

from axisrules.advice.advice import CHECKS, Advice, advise
from axisrules.advice.counterfactual import Case, Change
from axisrules.advice.verdict import Proposal, Trial, Verdict

__all__ = [
    "CHECKS",
    "Advice",
    "Case",
    "Change",
    "Proposal",
    "Trial",
    "Verdict",
    "advise",
]
