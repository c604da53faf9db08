"""From a command line to the configuration in force: defaults, then the YAML file, then the flags."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neocortex.config import yamltree
from neocortex.config.decode import Decoder
from neocortex.config.flags import Command, FlagError, HelpRequested, config_file_of, parse
from neocortex.config.schema import Config
from neocortex.config.validate import InvalidConfig, validate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_ARGUMENTS = (
    "please set configuration file. For example: "
    "-config.file=./docs/configuration/single-process-config-blocks-local.yaml\n"
)


class Exit(Exception):
    """The process ends here: with `code`, after writing `stdout` and `stderr`."""

    def __init__(self, code: int, stdout: str = "", stderr: str = "") -> None:
        super().__init__(stderr or stdout)
        self.code = code
        self.stdout = stdout
        self.stderr = stderr


class ConfigFileError(ValueError):
    """The configuration file cannot be read or does not fit; the text says why, with lines."""


@dataclass(slots=True)
class Loaded:
    """The configuration in force and what the command line asks besides."""

    config: Config
    command: Command
    file_sha256: str | None
    """Hash of the configuration file before its variables were expanded; None without a file."""


def load(args: Sequence[str], environ: Mapping[str, str] | None = None) -> Loaded:
    """Reads the configuration that `args` (without the program's name) describe.

    Raises Exit with Cortex's texts and codes: 1 for the configuration file or an invalid configuration, 2 for the
    command line and for -help, 0 for -version and -print.config.
    """
    config = Config()
    path, expand = config_file_of(args)
    sha256 = None
    if path:
        try:
            sha256 = read_file(path, config, os.environ if environ is None else environ, expand=expand)
        except ConfigFileError as err:
            raise Exit(1, stderr=f"error loading config from {path}: {err}\n") from None
    elif not args:
        raise Exit(1, stderr=NO_ARGUMENTS)
    try:
        command = parse(args, config)
    except HelpRequested:
        from neocortex.config.usage import usage  # noqa: PLC0415 - a server that starts needs none of it

        raise Exit(2, stdout=usage()) from None
    except FlagError as err:
        raise Exit(2, stderr=f"{err}\nRun with -help to get list of available parameters\n") from None
    if command.version:
        from neocortex.config.usage import version  # noqa: PLC0415 - a server that starts needs none of it

        raise Exit(0, stdout=version())
    try:
        validate(config)
    except InvalidConfig as err:
        raise Exit(1, stderr=f"error validating config: {err}\n") from None
    if config.print_config:
        from neocortex.config.page import config_page  # noqa: PLC0415 - a server that starts needs none of it

        raise Exit(0, stdout=config_page(config))
    if command.unsupported:
        from neocortex.config.status import unsupported_page  # noqa: PLC0415 - a server that starts needs none of it

        raise Exit(0, stdout=unsupported_page())
    return Loaded(config, command, sha256)


def read_file(path: str, config: Config, environ: Mapping[str, str], *, expand: bool) -> str:
    """Reads the YAML file at `path` into `config` and returns the file's SHA-256. Raises ConfigFileError."""
    try:
        content = Path(path).read_bytes()
    except OSError as err:
        reason = (err.strerror or str(err)).lower()
        raise ConfigFileError(f"Error reading config file: open {path}: {reason}") from None
    sha256 = hashlib.sha256(content).hexdigest()
    text = content.decode("utf-8", "surrogateescape")
    if expand:
        text = expand_env(text, environ)
    try:
        read_text(text, config)
    except ValueError as err:
        raise ConfigFileError(f"Error parsing config file: {err}") from None
    return sha256


def read_text(text: str, config: Config) -> None:
    """Decodes the first YAML document of `text` into `config`. Raises ValueError with yaml.v2's texts."""
    roots = yamltree.documents(text.encode("utf-8", "surrogateescape"), limit=1)
    if not roots:
        return
    decoder = Decoder()
    decoder.section(roots[0], config)
    decoder.finish()


_VARIABLE = r"\$(?:\{([^}]*)\}|([*#$@!?0-9-])|([A-Za-z_][A-Za-z0-9_]*)|(\{))"


def expand_env(text: str, environ: Mapping[str, str]) -> str:
    """Replaces `$VAR`, `${VAR}` and `${VAR:default}`; what is not set or empty becomes the default, else nothing."""

    def value(match: re.Match[str]) -> str:
        braced, special, plain, _ = match.groups()
        name, _, default = (braced or special or plain or "").partition(":")
        return environ.get(name, "") or default

    return re.sub(_VARIABLE, value, text)
