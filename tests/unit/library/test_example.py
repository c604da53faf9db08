"""The example of the documentation runs as it is."""

import subprocess
import sys
from pathlib import Path

from support.processes import REPOSITORY

EXAMPLE = REPOSITORY / "docs" / "examples" / "library.py"


def test_the_example_runs(prometheus_dir: Path) -> None:
    command = [sys.executable, str(EXAMPLE), str(prometheus_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    first, *rest = done.stdout.splitlines()
    assert first == "6 series from 2023-11-14 22:13:20+00:00 to 2023-11-14 22:50:50+00:00"
    rows = [[cell.strip() for cell in line.strip("│").split("┆")] for line in rest if line.startswith("│")]
    assert ["requests_total", "600"] in rows
    assert ["latency", "150"] in rows
    assert ["timestamp", "job", "value"] in rows


def test_the_page_names_the_example() -> None:
    page = (REPOSITORY / "docs" / "library.md").read_text()
    assert f"({EXAMPLE.relative_to(REPOSITORY / 'docs')})" in page
