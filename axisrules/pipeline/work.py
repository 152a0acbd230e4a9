"""FLOPs of traced equations: enough to weigh layers, embedding and head against each other."""

import math
from collections.abc import Iterable

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, jaxprs_in_params

from axisrules.pipeline.trace import LOOP, aval

MATMUL, CONVOLUTION = "dot_general", "conv_general_dilated"


def flops(eqns: Iterable[JaxprEqn]) -> int:
    """FLOPs of the matrix multiplications and convolutions in `eqns`, loops counted; others cost an element.

    Source: a product of matrices of m x k and k x n takes 2mkn FLOPs.
    """
    return sum(_of(eqn) for eqn in eqns)


def _of(eqn: JaxprEqn) -> int:
    out = sum(math.prod(aval(var).shape) for var in eqn.outvars)
    name = eqn.primitive.name
    if name == MATMUL:
        ((contracted, _), _) = eqn.params["dimension_numbers"]
        return 2 * out * math.prod(aval(eqn.invars[0]).shape[dim] for dim in contracted)
    if name == CONVOLUTION:
        kernel, channels = aval(eqn.invars[1]).shape, eqn.params["dimension_numbers"].rhs_spec[0]
        return 2 * out * math.prod(size for dim, size in enumerate(kernel) if dim != channels)
    inner = sum(flops(_eqns(part)) for part in jaxprs_in_params(eqn.params))
    turns = eqn.params["length"] if name == LOOP else 1
    return inner * turns or out


def _eqns(part: Jaxpr | ClosedJaxpr) -> Iterable[JaxprEqn]:
    eqns: Iterable[JaxprEqn] = part.eqns
    return eqns
