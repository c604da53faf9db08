"""Tracing."""

from __future__ import annotations

from neocortex.config.option import Section, opt, section
from neocortex.config.sections.tls import ClientTLS


class Otel(Section, go="tracing.Otel"):
    """Tracing with OpenTelemetry."""

    otlp_endpoint: str = opt("tracing.otel.otlp-endpoint", "")
    exporter_type: str = opt("tracing.otel.exporter-type", "")
    sample_ratio: float = opt("tracing.otel.sample-ratio", 0.001)
    round_robin: bool = opt("tracing.otel.round-robin", False)
    tls_enabled: bool = opt("tracing.otel.tls-enabled", False)
    tls: ClientTLS = section(ClientTLS, "tracing.otel.tls.")


class Tracing(Section, go="tracing.Config"):
    """Tracing."""

    type: str = opt("tracing.type", "jaeger")
    otel: Otel = section(Otel)
