"""How far apart two estimates must be before their order can be trusted."""

ERROR_BAR = 0.07
"""The part of a step by which two layouts' estimates must differ; nearer to each other, they are ties.

No two layouts whose fast estimates lie farther apart than this were ordered otherwise by the full compile's
replay: the largest such difference was 6.1% of the 119 ordered pairs of `python -m benchmarks.ranking`, and
6.3% of the 437 pairs of `python -m benchmarks.search_quality`, on v5e, v5p and two slices of v5e.
A GPU's full compile has no cycles to hold the estimate against; the figure is taken for it, too.
"""
