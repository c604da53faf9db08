"""Replays recorded requests of a real Cortex and compares the answers: status, content type, kept headers, body.

The recordings and the walk through them stand beside the repository (`../shared/golden`). Sections of endpoints that do
not exist yet are not walked; single steps that differ are named here, each with its reason; the list may only shrink.
"""

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from support.needed import need_shared
from support.processes import Process, free_port, http_ok

pytestmark = [pytest.mark.golden, pytest.mark.timeout(300)]

SECTIONS = (
    "admin_pages",
    "push",
    "limits",
    "stats",
    "queries",
    "metadata_apis",
    "read_api",
    "isolation",
    "closing",
)
"""Sections of the tour `single` that are walked, in their order."""

NO_SERVICE = "the page or its link belongs to a service that does not exist yet"
NO_PROFILES = "profiles come with the write path's own profiling"
NO_OTLP = "there is no OTLP receiver yet"
NOT_SENT = "shows series and metadata that steps above (OTLP, HA tracker) would have stored"

KNOWN_DIFFERENCES: dict[str, dict[str, str]] = {
    "single": {
        "index": NO_SERVICE,
        "services-json": NO_SERVICE,
        "memberlist": NO_SERVICE,
        "ring-compactor-page": NO_SERVICE,
        "ring-alertmanager-page": NO_SERVICE,
        "ring-ruler-legacy": NO_SERVICE,
        "ha-page": NO_SERVICE,
        "ha-post": NO_SERVICE,
        "pprof-allocs": NO_PROFILES,
        "pprof-threadcreate": NO_PROFILES,
        "pprof-index-bare": NO_PROFILES,
        "pprof-unknown": NO_PROFILES,
        "otlp-delta-sum": NO_OTLP,
        "otlp-histogram": NO_OTLP,
        "otlp-bad-proto": NO_OTLP,
        "otlp-bad-encoding": NO_OTLP,
        "otlp-no-tenant": NO_OTLP,
        "otlp-get": NO_OTLP,
        "user-stats-series": NOT_SENT,
        "all-stats-tenants": NOT_SENT,
        "ingester-stats-tenants": NOT_SENT,
        "labels-no-range": NOT_SENT,
        "values-instance": NOT_SENT,
        "values-name": NOT_SENT,
        "values-legacy": NOT_SENT,
        "metadata": NOT_SENT,
        "metadata-legacy": NOT_SENT,
    },
    "noauth": {
        "rules": NO_SERVICE,
        "rules-all": NO_SERVICE,
        "am-set": NO_SERVICE,
        "am-configs": NO_SERVICE,
    },
}


@pytest.fixture(scope="module")
def golden() -> Iterator[Path]:
    folder = need_shared("golden")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


def start(golden: Path, folder: Path, config: str, *flags: str) -> tuple[Process, str]:
    """A fresh server as the recordings' README wants it; its process and base URL."""
    for name in ("runtime.yaml", "overrides-runtime.yaml"):
        shutil.copy(golden / "config" / name, folder)
    ports = {f"GOLDEN_{name}_PORT": str(free_port()) for name in ("HTTP", "GRPC", "GOSSIP", "CLUSTER")}
    os.environ.update(ports, GOLDEN_DIR=str(folder))
    base = f"http://127.0.0.1:{ports['GOLDEN_HTTP_PORT']}"
    argv = [
        sys.executable,
        "-m",
        "neocortex",
        f"-config.file={golden / 'config' / config}",
        "-config.expand-env=true",
        *flags,
    ]
    return Process(argv, folder / "neocortex.log", lambda: http_ok(base + "/ready")), base


def report(results: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Steps that differ, each with what was wanted and got, and their ids."""
    texts, ids = [], []
    for result in results:
        if not result["strict"]:
            ids.append(result["id"])
            want, got = result["want"], result["got"]
            texts.append(
                f"{result['id']} ({result['why']})\n"
                + "".join(
                    f"    {side}: {x['status']} {x['type']} {x['headers'] or ''} {str(x['body'])[:700]}\n"
                    for side, x in (("want", want), ("got", got))
                )
            )
    return texts, ids


def check(results: list[dict[str, Any]], tour: str) -> None:
    texts, ids = report(results)
    same = len(results) - len(ids)
    known = KNOWN_DIFFERENCES[tour]
    print(f"{tour}: {same} of {len(results)} recorded answers are the same")
    unexpected = [text for text, step in zip(texts, ids, strict=True) if step not in known]
    assert not unexpected, "\n".join(unexpected)
    mended = {r["id"] for r in results if r["strict"]} & known.keys()
    assert not mended, f"no longer different, take them off the list: {sorted(mended)}"


def test_single_process(golden: Path, tmp_path: Path) -> None:
    process, base = start(golden, tmp_path, "single.yaml", "-api.build-info-enabled=true")
    try:
        drive, tour = module("drive"), module("tour")
        driver = drive.Driver(base, drive.load(golden / "transcripts" / "single.jsonl"))
        t0, ms = driver.t0, driver.t0 * 1000
        arguments = {
            "admin_pages": (),
            "stats": (),
            "queries": (t0,),
            "metadata_apis": (t0,),
            "isolation": (t0,),
            "closing": (),
        }
        for section in SECTIONS:
            getattr(tour, section)(driver, *arguments.get(section, (t0, ms)))
    finally:
        process.stop()
    assert len(driver.results) > 250
    check(driver.results, "single")


def test_without_authentication(golden: Path, tmp_path: Path) -> None:
    process, base = start(golden, tmp_path, "single.yaml", "-auth.enabled=false")
    try:
        drive = module("drive")
        driver = drive.run("noauth", base, drive.load(golden / "transcripts" / "noauth.jsonl"))
    finally:
        process.stop()
    check(driver.results, "noauth")


def test_the_recorded_configurations_load(golden: Path, tmp_path: Path) -> None:
    """Without edits, as far as `-modules`, which comes after loading and checking."""
    for name in ("single.yaml", "configs.yaml", "overrides.yaml"):
        os.environ.update(
            {f"GOLDEN_{p}_PORT": "1" for p in ("HTTP", "GRPC", "GOSSIP", "CLUSTER")}, GOLDEN_DIR=str(tmp_path)
        )
        argv = [
            sys.executable,
            "-m",
            "neocortex",
            f"-config.file={golden / 'config' / name}",
            "-config.expand-env=true",
        ]
        done = subprocess.run([*argv, "-modules"], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"
