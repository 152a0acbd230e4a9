"""Published models in tiny sizes, with the truth about their axes: what the wrapping figures rest on."""

from collections.abc import Sequence

from benchmarks.zoo.case import Case
from benchmarks.zoo.hugging_face_causal import CAUSAL
from benchmarks.zoo.hugging_face_masked import MASKED_MODELS
from benchmarks.zoo.hugging_face_others import OTHERS
from benchmarks.zoo.own_style import OWN_STYLE

CASES = (*CAUSAL, *MASKED_MODELS, *OTHERS, *OWN_STYLE)


def chosen_cases(names: Sequence[str]) -> list[Case]:
    """The cases of these names, or all; what is not installed is said and left out."""
    wanted = [case for case in CASES if not names or case.name in names]
    for case in wanted:
        if not case.is_installed:
            print(f"  {case.name} is left out, not installed: {case.missing}; see the extra `models`")
    return [case for case in wanted if case.is_installed]


__all__ = ["CASES", "Case", "chosen_cases"]
