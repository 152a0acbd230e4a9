"""Published models in tiny sizes, with the truth about their axes: what the wrapping figures rest on."""

from benchmarks.zoo.case import Case
from benchmarks.zoo.hugging_face_causal import CAUSAL
from benchmarks.zoo.hugging_face_masked import MASKED_MODELS
from benchmarks.zoo.hugging_face_others import OTHERS
from benchmarks.zoo.own_style import OWN_STYLE

CASES = (*CAUSAL, *MASKED_MODELS, *OTHERS, *OWN_STYLE)

__all__ = ["CASES", "Case"]
