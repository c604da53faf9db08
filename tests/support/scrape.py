"""What a scrape of a registry shows."""

from neocortex.observe import Registry
from neocortex.observe.exposition import TEXT, TextForm


async def scrape(registry: Registry, form: TextForm = TEXT) -> str:
    """All parts as one text."""
    return b"".join([part async for part in registry.parts(form)]).decode()
