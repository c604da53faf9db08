"""The configs API and its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section
from neocortex.config.sections.tls import ClientTLS

if TYPE_CHECKING:
    from neocortex.config.values import URL, Duration


class ConfigsClient(ClientTLS, go="client.Config"):
    """A client of the configs API."""

    configs_api_url: URL = opt("url", "")
    client_timeout: Duration = opt("client-timeout", "5s")
    _client_tls = inline(ClientTLS)


class Database(Section, go="db.Config"):
    """The database of the configs API."""

    uri: str = opt("configs.database.uri", "postgres://postgres@configs-db.weave.local/configs?sslmode=disable")
    migrations_dir: str = opt("configs.database.migrations-dir", "")
    password_file: str = opt("configs.database.password-file", "")


class Notifications(Section, go="api.NotificationsConfig"):
    """Kinds of receivers that configurations may not use."""

    disable_email: bool = opt("configs.notifications.disable-email", False)
    disable_webhook: bool = opt("configs.notifications.disable-webhook", False)


class ConfigsAPI(Section, go="api.Config"):
    """What the configs API accepts."""

    notifications: Notifications = section(Notifications)


class Configs(Section, go="configs.Config"):
    """The configs API."""

    database: Database = section(Database)
    api: ConfigsAPI = section(ConfigsAPI)
