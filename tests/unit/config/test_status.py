"""The table of options that the server acts on."""

import pytest

from neocortex.config import Config, Exit, load
from neocortex.config.registry import entries
from neocortex.config.status import ACTED_ON, is_acted_on, name_of, unsupported_settings


def test_every_pattern_names_an_option() -> None:
    names = [name_of(entry) for entry in entries(Config)]
    for pattern in ACTED_ON:
        head = pattern.removesuffix("*")
        assert any(name == pattern or (head != pattern and name.startswith(head)) for name in names), pattern


def test_only_what_is_set_without_effect_is_reported() -> None:
    config = Config()
    assert unsupported_settings(config) == []
    config.server.http_listen_port = 1
    assert unsupported_settings(config) == []
    unused = next(entry for entry in entries(Config) if not is_acted_on(entry) and entry.option.kind.go == "int")
    setattr(unused.owner(config), unused.option.name, 12345)
    assert [(setting.name, setting.value) for setting in unsupported_settings(config)] == [(unused.path, 12345)]


def test_the_command_lists_them() -> None:
    with pytest.raises(Exit) as end:
        load(["-config.unsupported"])
    assert end.value.code == 0
    assert "server.http_listen_port" not in end.value.stdout.split("\n")
