"""The heart: axes, shapes, rules and a mesh in; specs with their reasons out."""

from axisrules.resolve.diff import LeafChange, PlanDiff, device_ranges, diff_plans
from axisrules.resolve.leaf import Leaf, LeafPlan
from axisrules.resolve.lint import lint_mesh, lint_program, lint_table
from axisrules.resolve.lint_pipeline import lint_pipeline, stage_axis_of, tensor_axes_of
from axisrules.resolve.memory import lint_memory
from axisrules.resolve.passes import resolve
from axisrules.resolve.plan import Plan, make_plan, plan_activation, survey
from axisrules.resolve.resolution import Because, DimReason, Rejection, Resolution, Spec
from axisrules.resolve.select import RuleIndex

__all__ = [
    "Because",
    "DimReason",
    "Leaf",
    "LeafChange",
    "LeafPlan",
    "Plan",
    "PlanDiff",
    "Rejection",
    "Resolution",
    "RuleIndex",
    "Spec",
    "device_ranges",
    "diff_plans",
    "lint_memory",
    "lint_mesh",
    "lint_pipeline",
    "lint_program",
    "lint_table",
    "make_plan",
    "plan_activation",
    "resolve",
    "stage_axis_of",
    "survey",
    "tensor_axes_of",
]
