"""Plans become JAX: meshes, shardings, states born sharded, jitted steps, live re-layout."""

from axisrules.partition.devices import make_mesh, mesh_spec
from axisrules.partition.export import FlatStep, LeafName, described_partitioner
from axisrules.partition.partitioner import Partitioner, make_partitioner, use_plan
from axisrules.partition.shardings import named_sharding, partition_spec
from axisrules.partition.state import TrainState
from axisrules.partition.virtual_devices import use_virtual_devices

__all__ = [
    "FlatStep",
    "LeafName",
    "Partitioner",
    "TrainState",
    "described_partitioner",
    "make_mesh",
    "make_partitioner",
    "mesh_spec",
    "named_sharding",
    "partition_spec",
    "use_plan",
    "use_virtual_devices",
]
