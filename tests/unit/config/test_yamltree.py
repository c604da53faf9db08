"""Documents, anchors and depth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neocortex.config import Config
from neocortex.config.load import read_text
from neocortex.config.yamltree import YamlError, documents


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(YamlError, match="exceeded max depth of 10000"):
        documents("[" * 20_000)


def test_a_map_merged_into_itself_is_refused() -> None:
    with pytest.raises(YamlError, match="contains itself"):
        read_text("server: &a\n  <<: *a\n", Config())


def test_merged_maps_give_way_to_what_stands_beside_them() -> None:
    config = Config()
    read_text("api: &a {request_id_header: x, querier_default_codec: json}\nserver:\n  http_listen_port: 7\n", config)
    assert config.api.request_id_header == "x"


def test_lines_count_from_one() -> None:
    root = documents("a:\n  b: 1\n")[0]
    assert root.line == 1
    assert root.items[1].items[0].line == 2


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_text(text, Config())
    except ValueError:
        return
