"""Where code compiles: local devices, and topologies that are only described."""
