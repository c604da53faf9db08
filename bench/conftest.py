"""Benchmarks refuse a debug core, and say on what they ran."""

import os
import platform

import pytest

from neocortex import _native


def pytest_configure(config: pytest.Config) -> None:
    if _native.PROFILE != "release":
        raise pytest.UsageError("the native core is a debug build; figures of it would mislead (make build)")


def pytest_report_header(config: pytest.Config) -> str:
    with open("/proc/cpuinfo") as f:  # noqa: PTH123 - a pseudo file
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")
    return f"machine: {os.cpu_count()} x {model}, Python {platform.python_version()}"
