"""Rows shared among devices and among processes: the same density, the same draws."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.fit.devices import Machines, begin

MODEL = """
level g
data y : real
data x : real
y ~ normal(alpha + beta * x, sigma)
alpha ~ g
beta ~ normal(0, 1)
"""
COMMON = f"""
import sys
import numpy as np
import hdsl
from hdsl.fit.devices import Machines
rng = np.random.default_rng(1)
g = np.repeat(np.arange(7), 11)[:71]  # a prime number of rows: no share is like another
x = rng.normal(size=71)
rows = {{"g": [f"g{{i}}" for i in g], "x": x, "y": 0.3 * g + x + rng.normal(size=71)}}
model = hdsl.parse({MODEL!r})
short = dict(level=0, chains=2, warmup=4, draws=4, seed=1)
"""
ON_DEVICES = (
    COMMON
    + """
runs = [model.fit(rows, machines=Machines(n), **short) for n in (1, 3)]
sites = [run.data["posterior"]["alpha"].to_numpy() for run in runs]
lp = [run.data["sample_stats"]["lp"].to_numpy() for run in runs]
np.testing.assert_allclose(*sites, rtol=1e-6)
np.testing.assert_allclose(*lp, rtol=1e-9)
modes = [model.fit(rows, method="laplace", draws=50, machines=Machines(n)) for n in (1, 3)]
means = [run.data["posterior"]["beta"].to_numpy() for run in modes]
np.testing.assert_allclose(*means, rtol=1e-4)
import jax
from hdsl.fit.devices import shares_of
shares = shares_of(Machines(3), ["x"], 71)
placed = shares.placed({"x": x, "z": x})
assert [part.data.shape for part in placed["x"].addressable_shards] == [(24,)] * 3
assert placed["z"].is_fully_replicated
text = jax.jit(lambda a: shares.cut(a)["x"].sum()).lower(placed).compile().as_text()
assert "all-reduce" in text
print("same")
"""
)
IN_PROCESSES = (
    COMMON
    + """
where, own, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
machines = Machines(distributed=True, coordinator=where, processes=2, process=own)
run = model.fit(rows, out=out, machines=machines, **short)
print(run.path is not None)
"""
)


def start(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_devices_that_share_the_rows_draw_what_one_draws() -> None:
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=3"
    out, err = start(ON_DEVICES, XLA_FLAGS=flags).communicate(timeout=500)
    assert out == "same\n", err


def test_two_processes_draw_what_one_draws_and_one_of_them_writes_it(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{free.getsockname()[1]}"
    out = str(tmp_path / "two.run")
    both = [start(IN_PROCESSES, where, str(process), out) for process in (0, 1)]
    try:
        said = [process.communicate(timeout=300) for process in both]
    finally:
        for process in both:
            process.kill()
    assert [text.split()[-1:] for text, _ in said] == [["True"], ["False"]], said
    scope: dict[str, object] = {}
    exec(COMMON, scope)
    model, rows, short = (scope[name] for name in ("model", "rows", "short"))
    assert isinstance(model, hdsl.Model)
    assert isinstance(short, dict)
    alone = model.fit(rows, **short).data["posterior"]["alpha"].to_numpy()
    shared = hdsl.load(out).data["posterior"]["alpha"].to_numpy()
    np.testing.assert_allclose(shared, alone, rtol=1e-6)


@pytest.mark.parametrize(
    ("machines", "said"),
    [
        (Machines(0), "a fit needs at least one device, not 0"),
        (Machines(4096), "4096 devices are asked for, and there"),
    ],
)
def test_devices_that_are_not_there(machines: Machines, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        begin(machines)
    (found,) = caught.value.diagnostics
    assert found.code == "H534"
    assert found.headline.startswith(said)


def test_processes_without_a_place_to_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAX_COORDINATOR_ADDRESS", raising=False)
    with pytest.raises(ModelError) as caught:
        begin(Machines(distributed=True))
    (found,) = caught.value.diagnostics
    assert found.code == "H535"
    assert found.help is not None and "--coordinator HOST:PORT" in found.help


def test_what_cannot_be_shared_is_said(cache: Path) -> None:
    model = hdsl.parse("data y : real; y ~ normal(mu, 1); mu ~ normal(0, 1)")
    with pytest.raises(ValueError, match="only nuts"):
        model.fit({"y": [1.0]}, method="laplace", machines=Machines(distributed=True))
    with pytest.raises(ValueError, match="NumPyro"):
        model.fit({"y": [1.0]}, backend="pymc", machines=Machines(2))
