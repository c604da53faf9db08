"""Blocks that promtool made, whole directories and one alone."""

import subprocess
from pathlib import Path

import neocortex
from support.needed import need_program

START_S = 1_700_006_400
"""A whole number of two hours."""

MINUTES = 180


def make_blocks(folder: Path) -> Path:
    lines = [
        f'theirs{{i="{i}"}} {i * minute / 8} {START_S + minute * 60}' for minute in range(MINUTES) for i in range(10)
    ]
    source = folder / "input"
    source.write_text("\n".join(["# TYPE theirs gauge", *lines, "# EOF", ""]))
    command = [need_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(source), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return folder / "data"


def test_blocks_of_prometheus(tmp_path: Path) -> None:
    folder = make_blocks(tmp_path)
    with neocortex.open(folder) as database:
        result = database.select("theirs", START_S, START_S + 86_400)
        assert len(result) == 10 * MINUTES
        (value,) = database.query('theirs{i="8"}', START_S + 100 * 60).json().decode().split('"value":')[1:]
        assert '"100"' in value
    rows = 0
    blocks = sorted(path.parent for path in folder.rglob("meta.json"))
    assert len(blocks) == 2
    for block in blocks:
        with neocortex.open(str(block)) as database:
            rows += len(database.select("theirs", START_S, START_S + 86_400))
            assert database.label_values("i") == [str(i) for i in range(10)]
    assert rows == 10 * MINUTES
