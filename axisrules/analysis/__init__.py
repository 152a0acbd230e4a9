"""The text of a compiled program in, facts out: collectives, memory, FLOPs, time. Knows no JAX."""
