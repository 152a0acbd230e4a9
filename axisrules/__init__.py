"""axisrules: a sharding-rule compiler for JAX and Flax, driven by logical axis names."""
