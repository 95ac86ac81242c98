"""Bytecode that Python may not keep beside the packages is kept in the cache, and made anew."""

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import sys
sys.path.insert(0, sys.argv[1])
from hdsl.cli.bytecode import keep_bytecode
keep_bytecode()
import told
print(told.VALUE)
"""


def test_a_module_is_compiled_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    package, kept = tmp_path / "package", tmp_path / "cache" / "bytecode"
    package.mkdir()
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "HDSL_CACHE": str(tmp_path / "cache"),
    }

    def told() -> str:
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(package)],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    (package / "told.py").write_text("VALUE = 1")
    assert told() == "1"
    (file,) = kept.rglob("????????????????????????")
    before = file.stat().st_mtime_ns
    assert told() == "1"
    assert file.stat().st_mtime_ns == before
    (package / "told.py").write_text("VALUE = 22")
    assert told() == "22"
    file.write_bytes(file.read_bytes()[:20])
    assert told() == "22"
    assert not (package / "__pycache__").exists()
