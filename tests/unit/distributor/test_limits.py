"""Limits of a distributor over all tenants."""

import re
import time
from pathlib import Path

import pytest

from neocortex.config.sections.distributor import DistributorInstanceLimits
from neocortex.distributor.limits import DistributorBusy, InstanceGuard
from neocortex.observe import Registry
from support.in_process import running
from support.remote_write import encode_v1
from support.scrape import scrape


def guard(**limits: float) -> InstanceGuard:
    section = DistributorInstanceLimits()
    for name, value in limits.items():
        setattr(section, name, value)
    return InstanceGuard(section, Registry())


def test_pushes_at_the_same_time() -> None:
    busy = guard(max_inflight_push_requests=1)
    with busy.push():
        busy.check()
        with busy.push(), pytest.raises(DistributorBusy, match=r"^too many inflight push requests in distributor$"):
            busy.check()
        busy.check()


def test_requests_to_ingesters_at_the_same_time() -> None:
    busy = guard(max_inflight_client_requests=1)
    text = re.escape("too many inflight ingester client requests in distributor")
    with busy.client_request():
        # Unlike the other limits, this one is over only when it is exceeded before the new request.
        busy.check()
        with busy.client_request(), pytest.raises(DistributorBusy, match=f"^{text}$"):
            busy.check()


async def test_the_rate(tmp_path: Path) -> None:
    async with running(tmp_path, "-distributor.instance-limits.max-ingestion-rate=1") as server:
        body = encode_v1([({"__name__": "a"}, [(int(time.time() * 1000), 1.0)])])
        assert (await server.push(body)).status == 200
        shown = await scrape(server.process.registry)
        assert 'cortex_distributor_instance_limits{limit="max_ingestion_rate"} 1\n' in shown
        deadline = time.monotonic() + 5
        while (answer := await server.push(body)).status == 200:
            assert time.monotonic() < deadline
        assert (answer.status, answer.text) == (503, "distributor's samples push rate limit reached\n")
