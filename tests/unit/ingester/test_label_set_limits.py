"""Limits on the series that carry certain labels: refusals, texts, metrics."""

import time
from pathlib import Path

from support.in_process import running
from support.remote_write import encode_v1
from support.scrape import scrape
from support.waiting import eventually

OVERRIDES = """
overrides:
  t:
    limits_per_label_set:
      - label_set: {team: a}
        limits: {max_series: 2}
      - label_set: {}
        limits: {max_series: 0}
"""


def body(*series: dict[str, str]) -> bytes:
    now = int(time.time() * 1000)
    return encode_v1([(labels, [(now, 1.0)]) for labels in series])


async def test_a_label_set_has_as_many_series_as_it_may(tmp_path: Path) -> None:
    file = tmp_path / "runtime.yaml"
    file.write_text(OVERRIDES)
    flags = (f"-runtime-config.file={file}", "-ingester.active-series-metrics-update-period=50ms")
    async with running(tmp_path, *flags) as server:
        full = body({"__name__": "m", "team": "a"}, {"__name__": "n", "team": "a"}, {"__name__": "m", "team": "b"})
        assert (await server.push(full, "t")).status == 200
        answer = await server.push(body({"__name__": "o", "team": "a"}, {"__name__": "o", "team": "c"}), "t")
        assert answer.status == 400
        assert (
            'user=t: per-labelset series limit of 2 exceeded (labelSet: {team="a"}, global limit: 2 '
            'actual local limit: 2) for series {__name__="o", team="a"}'
        ) in answer.text
        assert (await server.push(full, "other")).status == 200, "another tenant has no such limit"

        async def shown() -> bool:
            metrics = await scrape(server.process.registry)
            rows = {'{team=\\"a\\"}': (2, 2), "{}": (0, 2)}
            return all(
                f'cortex_ingester_limits_per_labelset{{user="t",limit="max_series",labelset="{name}"}} {limit}\n'
                in metrics
                and f'cortex_ingester_usage_per_labelset{{user="t",limit="max_series",labelset="{name}"}} {used}\n'
                in metrics
                for name, (limit, used) in rows.items()
            )

        await eventually(shown)
        discarded = 'cortex_discarded_samples_total{reason="per_labelset_series_limit",user="t"} 1\n'
        assert discarded in (await scrape(server.process.registry))
