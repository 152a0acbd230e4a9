"""Plans become JAX: meshes, shardings, states born sharded, jitted steps, live re-layout."""

from axisrules.partition.devices import make_mesh, mesh_spec
from axisrules.partition.partitioner import Partitioner, partition, use_plan
from axisrules.partition.shardings import partition_spec
from axisrules.partition.state import TrainState

__all__ = [
    "Partitioner",
    "TrainState",
    "make_mesh",
    "mesh_spec",
    "partition",
    "partition_spec",
    "use_plan",
]
