"""Object stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Int64, Secret, UInt


class S3SSE(Section, go="s3.SSEConfig"):
    """Encryption at rest by S3."""

    type: str = opt("type", "")
    kms_key_id: str = opt("kms-key-id", "")
    kms_encryption_context: str = opt("kms-encryption-context", "")


class HTTPTransport(Section, go="http.Config"):
    """Connections of an object store's client."""

    idle_conn_timeout: Duration = opt("http.idle-conn-timeout", "1m30s")
    response_header_timeout: Duration = opt("http.response-header-timeout", "2m")
    insecure_skip_verify: bool = opt("http.insecure-skip-verify", False)
    tls_handshake_timeout: Duration = opt("tls-handshake-timeout", "10s")
    expect_continue_timeout: Duration = opt("expect-continue-timeout", "1s")
    max_idle_connections: int = opt("max-idle-connections", 100)
    max_idle_connections_per_host: int = opt("max-idle-connections-per-host", 100)
    max_connections_per_host: int = opt("max-connections-per-host", 0)


class S3HTTP(HTTPTransport, go="s3.HTTPConfig"):
    """Connections of the S3 client."""

    _httptransport = inline(HTTPTransport)


class S3(Section, go="s3.Config"):
    """Amazon S3 and stores that speak its protocol."""

    endpoint: str = opt("endpoint", "")
    region: str = opt("region", "")
    bucket_name: str = opt("bucket-name", "")
    disable_dualstack: bool = opt("disable-dualstack", False)
    secret_access_key: Secret = opt("secret-access-key", "")
    access_key_id: str = opt("access-key-id", "")
    insecure: bool = opt("insecure", False)
    signature_version: str = opt("signature-version", "v4")
    bucket_lookup_type: str = opt("bucket-lookup-type", "auto")
    send_content_md5: bool = opt("send-content-md5", True)
    list_objects_version: str = opt("list-objects-version", "")
    sse: S3SSE = section(S3SSE, "sse.")
    http: S3HTTP = section(S3HTTP)


class GCS(Section, go="gcs.Config"):
    """Google Cloud Storage."""

    bucket_name: str = opt("bucket-name", "")
    service_account: Secret = opt("service-account", "")


class Azure(Section, go="azure.Config"):
    """Azure Blob Storage."""

    account_name: str = opt("account-name", "")
    account_key: Secret = opt("account-key", "")
    connection_string: Secret = opt("connection-string", "")
    container_name: str = opt("container-name", "")
    endpoint_suffix: str = opt("endpoint-suffix", "blob.core.windows.net")
    max_retries: int = opt("max-retries", 20)
    msi_resource: str = opt("msi-resource", "")
    user_assigned_id: str = opt("user-assigned-id", "")
    http: HTTPTransport = section(HTTPTransport)


class Swift(Section, go="swift.Config"):
    """OpenStack Swift."""

    auth_version: int = opt("auth-version", 0)
    auth_url: str = opt("auth-url", "")
    application_credential_id: str = opt("application-credential-id", "")
    application_credential_name: str = opt("application-credential-name", "")
    application_credential_secret: Secret = opt("application-credential-secret", "")
    username: str = opt("username", "")
    user_domain_name: str = opt("user-domain-name", "")
    user_domain_id: str = opt("user-domain-id", "")
    user_id: str = opt("user-id", "")
    password: Secret = opt("password", "")
    domain_id: str = opt("domain-id", "")
    domain_name: str = opt("domain-name", "")
    project_id: str = opt("project-id", "")
    project_name: str = opt("project-name", "")
    project_domain_id: str = opt("project-domain-id", "")
    project_domain_name: str = opt("project-domain-name", "")
    region_name: str = opt("region-name", "")
    container_name: str = opt("container-name", "")
    max_retries: int = opt("max-retries", 3)
    connect_timeout: Duration = opt("connect-timeout", "10s")
    request_timeout: Duration = opt("request-timeout", "5s")


class OCI(Section, go="oci.Config"):
    """Oracle Cloud Infrastructure Object Storage."""

    provider: str = opt("provider", "default")
    bucket: str = opt("bucket", "")
    compartment_ocid: str = opt("compartment-ocid", "")
    tenancy_ocid: str = opt("tenancy-ocid", "")
    user_ocid: str = opt("user-ocid", "")
    region: str = opt("region", "")
    fingerprint: str = opt("fingerprint", "")
    privatekey: Secret = opt("private-key", "")
    passphrase: Secret = opt("private-key-passphrase", "")
    part_size: Int64 = opt("part-size", 0)
    max_request_retries: int = opt("max-request-retries", 3)
    request_retry_interval: int = opt("request-retry-interval", 10)


class Filesystem(Section, go="filesystem.Config"):
    """A local folder."""

    dir: str = opt("dir", "")


class Bucket(Section, go="bucket.Config"):
    """An object store: which, and the settings of each kind."""

    backend: str = opt("backend", "s3")
    s3: S3 = section(S3, "s3.")
    gcs: GCS = section(GCS, "gcs.")
    azure: Azure = section(Azure, "azure.")
    swift: Swift = section(Swift, "swift.")
    oci: OCI = section(OCI, "oci.")
    filesystem: Filesystem = section(Filesystem, "filesystem.")


class UsersScanner(Section, go="users.UsersScannerConfig"):
    """How the tenants of a bucket are found."""

    strategy: str = opt("strategy", "list")
    max_stale_period: Duration = opt("user-index.max-stale-period", "1h")
    update_interval: Duration = opt("user-index.update-interval", "15m")
    cache_ttl: Duration = opt("cache-ttl", "0s")


class HedgedRequest(Section, go="bucket.HedgedRequestConfig"):
    """A second request when the first is slow."""

    enabled: bool = opt("store-gateway.hedged-request.enabled", False)
    max_requests: UInt = opt("store-gateway.hedged-request.max-requests", 3)
    quantile: float = opt("store-gateway.hedged-request.quantile", 0.9)
