"""Searches made by hand: the arrays of a decoder, a space of them, and numbers that no compiler gave."""

from types import SimpleNamespace

from axisrules.analysis import CostTerm
from axisrules.mesh import parse_target
from axisrules.resolve import Leaf
from axisrules.search import Budget, Scored, conclude, make_space, parse_constraints, search
from tests.report.evidence_cases import SHAPES

GB = 10**9


def program(rename=lambda name: name, *, rows=256):
    """Parameters, optimizer state and batch of a decoder, with their axes' names; nothing to run."""

    def leaf(path, kind, shape, axes, dtype="float32"):
        return Leaf(path, kind, shape, dtype, 4, tuple(map(rename, axes)))

    kinds = (("params", ""), ("optimizer", "0/mu/"), ("optimizer", "0/nu/"))
    leaves = [
        leaf(prefix + path, kind, shape, axes)
        for kind, prefix in kinds
        for path, (shape, axes) in SHAPES.items()
    ]
    batch = leaf("inputs", "batch", (rows, 4096), ("batch", "seq"), "int32")
    return SimpleNamespace(leaves=(*leaves, batch))


def space(target="tpu:v5p:2x2x2", *, hbm=1.0, rename=lambda name: name):
    constraints = parse_constraints(mesh="data=*,fsdp=*,tensor=*", hbm=hbm)
    return make_space(program(rename), parse_target(target), constraints)


def scorer(*, needed=40, dies=""):
    """Numbers made up, `needed` GB each; compilers of candidates with the remat policy `dies` are killed."""

    def score(_space, candidates, how=None, _tell=None):
        for place, one in enumerate(candidates):
            if dies and one.remat == dies:
                yield Scored(one, error="the compiler was killed <signal 9>", mode=how.mode)
                continue
            step = 1e-3 * (8 + place + 4 * one.accumulate + 3 * one.size("tensor"))
            yield Scored(
                one,
                seconds=step,
                needed_bytes=needed * GB + one.size("tensor") * GB,
                hbm_bytes=100 * GB,
                param_bytes=8 * GB,
                optimizer_bytes=16 * GB,
                wire_bytes=GB,
                flops=1e12,
                mfu=0.4,
                terms=(
                    CostTerm("compute", (), step * 0.7, step * 0.7),
                    CostTerm("ICI", ("fsdp",), step * 0.3, step * 0.4),
                ),
                mode=how.mode,
            )

    return score


def searched(where=None, **facts):
    budget = Budget(compiles=12, finalists=2, scorer=scorer(**facts))
    return conclude(search(where or space(), budget=budget))
