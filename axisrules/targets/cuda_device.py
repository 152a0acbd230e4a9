"""An NVIDIA GPU as XLA wants it described, where there is no driver to ask."""

import tomllib
from pathlib import Path

from axisrules.mesh import Chip

FILE = Path(__file__).parent / "cuda_devices.toml"

# The same on every GPU in the file.
_DEVICE = """\
gpu_device_info {{
  cuda_compute_capability {{ major: {major} minor: {minor} }}
  threads_per_block_limit: 1024
  threads_per_warp: 32
  threads_per_core_limit: 2048
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  registers_per_core_limit: 65536
  registers_per_block_limit: 65536
  shared_memory_per_block: 49152
  shared_memory_per_block_optin: {shared_memory_per_block}
  shared_memory_per_core: {shared_memory_per_multiprocessor}
  core_count: {multiprocessors}
  fpus_per_core: {lanes_per_multiprocessor}
  clock_rate_ghz: {clock}
  l2_cache_size: {l2_cache_bytes}
  memory_bandwidth: {bandwidth}
  device_memory_size: {memory}
}}
platform_name: "CUDA"
dnn_version_info {{ major: 9 minor: 1 patch: 1 }}
device_description_str: "{name}"
"""


def target_config(chip: Chip) -> str:
    """The GpuTargetConfigProto of a GPU, in protocol buffers' text form.

    Source: https://github.com/openxla/xla, `xla/stream_executor/device_description.proto`.
    """
    facts = tomllib.loads(FILE.read_text(encoding="utf-8"))[chip.name]
    major, minor = facts["capability"]
    return _DEVICE.format(
        **facts,
        major=major,
        minor=minor,
        clock=chip.clock_hertz / 1e9,
        bandwidth=int(chip.memory_bytes_per_second),
        memory=chip.memory_bytes,
    )
