"""Pipelines: a model's layers found in its traced loss, cut into stages, and run by a verified schedule."""

from axisrules.pipeline.measure import batch_rows, measure_program
from axisrules.pipeline.model_costs import ModelCosts, PartCost, model_costs
from axisrules.pipeline.objective import Objective
from axisrules.pipeline.plan import make_objective
from axisrules.pipeline.weigh import Weights, weigh_program

__all__ = [
    "ModelCosts",
    "Objective",
    "PartCost",
    "Weights",
    "batch_rows",
    "make_objective",
    "measure_program",
    "model_costs",
    "weigh_program",
]
