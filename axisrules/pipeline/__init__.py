"""Pipelines: a model's layers found in its traced loss, cut into stages, and run by a verified schedule."""

from axisrules.pipeline.inputs import LAYERS
from axisrules.pipeline.objective import Objective
from axisrules.pipeline.plan import make_objective
from axisrules.pipeline.weigh import Weights, weigh_program

__all__ = ["LAYERS", "Objective", "Weights", "make_objective", "weigh_program"]
