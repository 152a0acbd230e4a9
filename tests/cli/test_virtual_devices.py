import pytest

SHOW = (
    "from axisrules.cli.virtual_devices import set_up_devices\n"
    "set_up_devices({count}, {platform!r})\n"
    "import jax\n"
    "print(len(jax.devices()), jax.default_backend())"
)


def show(count: int | None = None, platform: str | None = None) -> tuple[str, str]:
    return "-c", SHOW.format(count=count, platform=platform)


@pytest.mark.parametrize(
    ("flags", "count", "devices"),
    [
        ("", None, 8),
        ("", 3, 3),
        ("--xla_force_host_platform_device_count=4", None, 4),
        ("--xla_force_host_platform_device_count=4", 2, 2),
    ],
)
def test_devices_need_no_environment_and_honour_the_user_s(in_child, flags, count, devices):
    done = in_child(*show(count), **({"XLA_FLAGS": flags} if flags else {}))
    assert done.stdout == f"{devices} cpu\n", done.stderr


@pytest.mark.parametrize(
    "flags", ["--xla_nonsense=1", "--xla_force_host_platform_device_count=many", "not_a_file"]
)
def test_flags_that_jax_would_abort_on(in_child, flags):
    done = in_child("-m", "axisrules", "explain", "--rules", "fsdp", XLA_FLAGS=flags)
    assert done.returncode == 2
    assert done.stderr.startswith("error[AXR505]")
    assert flags.removeprefix("--").partition("=")[0] in done.stderr.partition("why:")[2]
    assert "Aborted" not in done.stderr


def test_a_platform_that_is_not_there(in_child):
    done = in_child("-m", "axisrules", "bench", "--platform", "tpu")
    assert done.returncode == 2
    assert "AXR602" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_with_jax_in_it_has_chosen(monkeypatch):
    from axisrules.cli.virtual_devices import set_up_devices

    monkeypatch.setenv("XLA_FLAGS", "--xla_nonsense=1")
    set_up_devices(3, "tpu")
