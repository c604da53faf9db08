"""Reading the runtime file again and again."""

import asyncio
from pathlib import Path

import pytest

from neocortex.config import Config
from neocortex.errors import StartError
from neocortex.observe import Registry
from neocortex.overrides.limits import Overrides
from neocortex.overrides.runtime import RuntimeConfigService, runtime_file
from support.scrape import scrape

GOOD = b"overrides: {a: {max_exemplars: 1}}\n"
BETTER = b"overrides: {a: {max_exemplars: 2}}\n"


class Source:
    """A file whose content the test sets, and a clock that ticks when the test says so."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.ticks: asyncio.Queue[bool] = asyncio.Queue()
        self.waits: asyncio.Queue[float] = asyncio.Queue()

    async def read(self) -> bytes:
        return self.content

    async def wait(self, seconds: float) -> bool:
        self.waits.put_nowait(seconds)
        return await self.ticks.get()


async def tick(source: Source, content: bytes) -> None:
    source.content = content
    source.ticks.put_nowait(False)
    assert await source.waits.get() == 10.0


async def test_reloads_and_keeps_the_last_good_one() -> None:
    config, registry, source = Config(), Registry(), Source(GOOD)
    service = RuntimeConfigService(config, registry, read=source.read, wait=source.wait)
    overrides = Overrides(config.limits, service.tenant_limits)
    assert overrides.limits("a") is config.limits
    seen: list[int] = []
    service.listeners.append(lambda values: seen.append(values.overrides["a"].max_exemplars))
    await service.start()
    assert overrides.limits("a").max_exemplars == 1
    assert overrides.limits("b") is config.limits
    first = overrides.limits("a")
    assert await source.waits.get() == 10.0
    await tick(source, GOOD)
    assert overrides.limits("a") is first
    await tick(source, b"foo: 1\n")
    assert overrides.limits("a") is first
    assert "cortex_runtime_config_last_reload_successful 0" in (await scrape(registry))
    await tick(source, BETTER)
    assert overrides.limits("a").max_exemplars == 2
    assert "cortex_runtime_config_last_reload_successful 1" in (await scrape(registry))
    assert "cortex_runtime_config_hash{sha256=" in (await scrape(registry))
    assert seen == [1, 2]
    source.ticks.put_nowait(True)
    await service.stop()


@pytest.mark.parametrize(
    ("content", "problem"),
    [("foo: 1\n", "failed to load runtime config: load file: yaml: unmarshal errors"), (None, "no such file")],
)
async def test_a_bad_file_stops_the_start(content: str | None, problem: str, tmp_path: Path) -> None:
    config = Config()
    path = tmp_path / "runtime.yaml"
    if content is not None:
        path.write_text(content)
    config.runtime_config.file = str(path)
    with pytest.raises(StartError, match=problem):
        await RuntimeConfigService(config, Registry()).start()


async def test_a_bucket_needs_a_client() -> None:
    config = Config()
    config.runtime_config.backend = "s3"
    with pytest.raises(StartError, match="s3"):
        RuntimeConfigService(config, Registry())


@pytest.mark.parametrize(
    ("file", "folder", "path"),
    [("", "", None), ("/a/b", "", "/a/b"), ("b", "", "b"), ("b", "/a", "/a/b"), ("/b", "/a", "/a/b")],
)
def test_where_the_file_is(file: str, folder: str, path: str | None) -> None:
    config = Config()
    config.runtime_config.file = file
    config.runtime_config.filesystem.dir = folder
    assert runtime_file(config) == (None if path is None else Path(path))
