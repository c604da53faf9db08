"""The lines that the native side writes are those that Python would."""

from pathlib import Path

import pytest

from neocortex import _native
from neocortex._native import Figure
from neocortex.ingester import tenantlines
from neocortex.ingester.tenantlines import TenantFamily
from neocortex.ingester.tenants import Tenants
from neocortex.observe.exposition import TEXT, Exposed, OpenMetricsForm, Shown, TextForm
from neocortex.observe.metrics import Histogram
from support.shipping import START_MS, append

FORMS = (TEXT, OpenMetricsForm("1.0.0"))


async def text(family: Shown, form: TextForm) -> str:
    return b"".join([part async for part in family.parts(form)]).decode()


@pytest.mark.parametrize("form", FORMS)
async def test_as_python_writes_them(
    tmp_path: Path,
    pool: _native.Pool,
    tsdb_options: _native.TsdbOptions,
    form: TextForm,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tenantlines, "TENANTS_A_PART", 2)
    tenants = Tenants(tmp_path, pool, tsdb_options)
    for count, tenant in enumerate(("b", "a(x)", "a"), start=1):
        await append(pool, await tenants.get_or_open(tenant), [START_MS + i for i in range(count)])
    figures = await tenants.figures()
    assert figures is not None
    names = ("a", "a(x)", "b")

    def native(kind: str, name: str) -> TenantFamily:
        return TenantFamily(figures, pool, kind, name, 'Has a "help".')

    counter = native("counter", "n_total").with_value(Figure.FLOAT_SAMPLES_APPENDED)
    counted = [((name,), value) for name, value in zip(names, (3, 2, 1), strict=True)]
    expected = Exposed("counter", "n_total", 'Has a "help".', label_names=("user",), samples=counted)
    assert await text(counter, form) == await text(expected, form)

    typed = native("gauge", "t").with_value(Figure.SERIES_CREATED, 'type="x",').with_value(Figure.BLOCK_BYTES)
    lines = (await text(typed, form)).splitlines()
    zero, one = ("0.0", "1.0") if form.writes_fractions else ("0", "1")
    assert lines[2:4] == [f't{{type="x",user="a"}} {one}', f't{{user="a"}} {zero}']
    assert len(lines) == 2 + 2 * 3

    nothing = native("histogram", "h").with_histogram(Figure.OUT_OF_ORDER_DELTAS, Figure.OUT_OF_ORDER_DELTA_SECONDS)
    expected = Exposed(
        "histogram",
        "h",
        'Has a "help".',
        label_names=("user",),
        samples=[((name,), Histogram(())) for name in names],
    )
    assert await text(nothing, form) == await text(expected, form)
    await tenants.close()


async def test_without_tenants_there_is_no_family(
    tmp_path: Path, pool: _native.Pool, tsdb_options: _native.TsdbOptions
) -> None:
    figures = await Tenants(tmp_path, pool, tsdb_options).figures()
    assert figures is not None
    assert await text(TenantFamily(figures, pool, "gauge", "g", "G.").with_value(Figure.BLOCK_BYTES), TEXT) == ""
