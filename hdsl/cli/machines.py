"""The options of `hdsl fit` that say what to compute on."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

OPTIONS = (
    click.option(
        "--devices",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Devices of this machine that share the rows.",
    ),
    click.option(
        "--device",
        "kind",
        type=click.Choice(["cpu", "gpu", "tpu"]),
        help="What to compute on; JAX_PLATFORMS says it too. Default: cpu.",
    ),
    click.option(
        "--distributed",
        is_flag=True,
        help="One of several processes, on one host or many, that share the rows.",
    ),
    click.option("--coordinator", metavar="HOST:PORT", help="Where the processes meet."),
    click.option("--processes", type=click.IntRange(1), help="How many there are."),
    click.option("--process", type=click.IntRange(0), help="Which of them this is, from 0."),
)


def machine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with these options, given to it as one value, ``machines``."""

    @wraps(command)
    def told(
        devices: int,
        kind: str | None,
        distributed: bool,
        coordinator: str | None,
        processes: int | None,
        process: int | None,
        **others: Any,
    ) -> Any:
        from hdsl.fit.devices import Machines

        if not distributed and (coordinator, processes, process) != (None, None, None):
            raise click.UsageError("--coordinator, --processes and --process need --distributed")
        if distributed and others["method"] != "nuts":
            raise click.UsageError("--distributed goes with --method nuts: --devices with all")
        if (distributed or devices > 1) and others["backend"] != "numpyro":
            raise click.UsageError("rows are shared by the NumPyro file: leave --backend out")
        machines = Machines(devices, kind, distributed, coordinator, processes, process)
        return command(machines=machines, **others)

    for option in reversed(OPTIONS):
        told = option(told)
    return told
