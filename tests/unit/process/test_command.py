"""The command as a process: exit codes, signals, and what a fresh start costs."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.processes import Process, free_port, http_ok


def start(folder: Path, port: int, *flags: str) -> Process:
    """The target `api` runs what every process has and nothing that needs a disk."""
    argv = [
        sys.executable,
        "-m",
        "neocortex",
        "-target=api",
        "-server.http-listen-address=127.0.0.1",
        f"-server.http-listen-port={port}",
        *flags,
    ]
    return Process(argv, folder / "log", lambda: http_ok(f"http://127.0.0.1:{port}/ready"))


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "neocortex", *arguments], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, free_port())
    process._popen.send_signal(number)
    assert process._popen.wait(20) == 0
    log = (tmp_path / "log").read_text()
    assert 'msg="server stopped"' in log
    assert 'msg="module stopped" module=server' in log
    assert "level=error" not in log


def test_a_port_in_use_ends_it_with_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = command("-target=api", "-server.http-listen-address=127.0.0.1", f"-server.http-listen-port={port}")
    assert done.returncode == 1
    assert f"listen tcp 127.0.0.1:{port}: bind: address already in use" in done.stderr


def test_an_unknown_target_ends_it_with_1() -> None:
    done = command("-target=nope")
    assert done.returncode == 1
    assert "unrecognised module name: nope" in done.stderr


def test_an_unknown_flag_ends_it_with_2() -> None:
    done = command("-nope")
    assert done.returncode == 2
    assert "flag provided but not defined: -nope" in done.stderr


def test_modules() -> None:
    done = command("-modules")
    assert done.returncode == 0
    assert "Modules marked with * are included in target All." in done.stdout


def test_an_internal_target_is_warned_about(tmp_path: Path) -> None:
    start(tmp_path, free_port()).stop()
    assert 'msg="selected target is an internal module, is this intended?" target=api' in (tmp_path / "log").read_text()


def test_a_start_is_quick_and_small(tmp_path: Path) -> None:
    started = time.monotonic()
    process = start(tmp_path, free_port())
    seconds = time.monotonic() - started
    status = Path(f"/proc/{process.pid}/status").read_text()
    resident_kib = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
    process.stop()
    assert seconds < 2, "the budget is one second on an idle machine"
    assert resident_kib < 80 << 10
