"""The native core. Handles and bytes cross; samples and labels do not.

Functions that take a `Pool` run on its threads and return an asyncio future at once; a cancelled future's outcome is
dropped. All raise subclasses of `NativeError`: `InternalError` for a fault of ours, `OverloadedError` when the pool's
queue is full, `ClosedError` after `close`; others are named where they are raised. Times are milliseconds since the
epoch.
"""

import os
from asyncio import AbstractEventLoop, Future
from typing import final

PROFILE: str
"""`release` or `debug`: benchmarks refuse the latter."""

class NativeError(Exception): ...
class InternalError(NativeError): ...
class OverloadedError(NativeError): ...
class ClosedError(NativeError): ...
class DecodeError(NativeError): ...
class ParseError(NativeError): ...
class ExecutionError(NativeError): ...
class LimitError(NativeError): ...
class QueryCanceledError(NativeError): ...
class QueryTimeoutError(NativeError): ...
class StorageFailedError(NativeError): ...
class BucketError(NativeError): ...
class BucketUnavailableError(BucketError): ...
class ObjectNotFoundError(BucketError): ...

def failpoint(label: str) -> None:
    """A place where a test may have the process die: it aborts here if `NEOCORTEX_DIE_AT` is `<label>` or
    `<label>:<n>` and it comes here for the nth time. Otherwise it costs next to nothing."""

@final
class Pool:
    """Worker threads that complete the futures of one event loop."""

    def __new__(cls, event_loop: AbstractEventLoop, threads: int, queue_size: int, name: str) -> Pool: ...
    def drain(self) -> None: ...
    def close(self) -> None:
        """Waits for the queued jobs and ends the threads."""

    @property
    def queued(self) -> int: ...

@final
class ValidationLimits:
    """A tenant's limits for the validation of writes; every instance needs a `generation` of its own."""

    def __new__(
        cls,
        *,
        generation: int,
        enforce_metric_name: bool,
        utf8_names: bool,
        max_label_names_per_series: int,
        max_label_name_length: int,
        max_label_value_length: int,
        max_labels_size_bytes: int,
        reject_old_samples: bool,
        reject_old_samples_max_age_ms: int,
        creation_grace_period_ms: int,
        enforce_metadata_metric_name: bool,
        max_metadata_length: int,
        max_native_histogram_buckets: int,
        max_native_histogram_sample_size_bytes: int,
        drop_labels: list[str],
        remove_replica_label: str | None,
    ) -> ValidationLimits: ...

@final
class WriteRequest:
    """A decoded write request. The counts are of what was received."""

    @staticmethod
    def decode(pool: Pool, body: bytes, version: int, max_bytes: int) -> Future[WriteRequest]:
        """Decompresses and decodes remote write 1 or 2. Raises `DecodeError` with the text of the 400."""

    @property
    def samples(self) -> int: ...
    @property
    def histograms(self) -> int: ...
    @property
    def exemplars(self) -> int: ...
    @property
    def metadata(self) -> int: ...
    @property
    def is_from_rule(self) -> bool: ...
    def first_series_labels(self, cluster_label: str, replica_label: str) -> tuple[str, str] | None:
        """Values of the two labels of the first series, which decide about the whole request; None without series."""

    def validate(self, pool: Pool, limits: ValidationLimits, tsdb: Tsdb | None, now_ms: int) -> Future[Validated]:
        """Checks every series; label sets that `tsdb` knows are not parsed again. Refused ones leave the request."""

@final
class Validated:
    """What a validation accepted (the counts) and refused."""

    @property
    def refused(self) -> bool:
        """Nothing of the request may be written."""

    @property
    def error(self) -> str | None:
        """The first refusal; unless `refused`, the rest of the request goes on."""

    @property
    def series(self) -> int: ...
    @property
    def samples(self) -> int: ...
    @property
    def histograms(self) -> int: ...
    @property
    def exemplars(self) -> int: ...
    @property
    def metadata(self) -> int: ...
    @property
    def latest_sample_ms(self) -> int: ...
    @property
    def discarded_samples(self) -> dict[str, int]:
        """Counts by Cortex's reason."""

    @property
    def discarded_exemplars(self) -> dict[str, int]: ...
    @property
    def discarded_metadata(self) -> dict[str, int]: ...

@final
class TsdbOptions:
    """How a tenant's database is kept.

    `wal_compression`: empty, `snappy` or `zstd`; `chunk_write_buffer_bytes`: what is written at once of the chunks that
    go from memory to files; `snapshot_on_close`: closing writes a snapshot of the head, with which opening is quick.
    """

    def __new__(
        cls,
        *,
        wal_compression: str,
        wal_segment_size_bytes: int,
        block_range_ms: int,
        max_block_range_ms: int,
        samples_per_chunk: int,
        retention_ms: int,
        out_of_order_cap: int,
        chunk_write_buffer_bytes: int,
        snapshot_on_close: bool,
    ) -> TsdbOptions: ...
    @property
    def series(self) -> int:
        """Series in memory, over all databases that are open with these options; fit for every push."""

@final
class SeriesLimits:
    """A tenant's limits at the time of an append, each as (local, global, what counts here); 0, 0 is none."""

    def __new__(
        cls,
        *,
        series_per_user: tuple[int, int, int],
        series_per_metric: tuple[int, int, int],
        histogram_series_per_user: tuple[int, int, int],
        series_per_label_set: list[tuple[dict[str, str], tuple[int, int, int]]],
        metadata_per_user: tuple[int, int, int],
        metadata_per_metric: tuple[int, int, int],
        max_exemplars: int,
        native_histograms: bool,
        out_of_order_window_ms: int,
        admin_message: str,
    ) -> SeriesLimits: ...

@final
class Appended:
    """What an append took and refused."""

    @property
    def samples(self) -> int: ...
    @property
    def histograms(self) -> int: ...
    @property
    def exemplars(self) -> int: ...
    @property
    def metadata(self) -> int: ...
    @property
    def metadata_created(self) -> int:
        """Of `metadata`, what was not known before."""

    @property
    def failed_samples(self) -> int: ...
    @property
    def failed_histograms(self) -> int: ...
    @property
    def failed_exemplars(self) -> int: ...
    @property
    def failed_metadata(self) -> int: ...
    @property
    def buckets(self) -> tuple[list[int], int]:
        """Native histograms taken, and the buckets of all.

        Those of up to 1, 2, 4 and so on to 512 buckets and above, each without those before.
        """

    @property
    def planning_s(self) -> float:
        """How long it took to decide what is taken."""

    @property
    def committing_s(self) -> float:
        """How long it took to log and apply that."""

    @property
    def error(self) -> str | None:
        """The first refusal, without the tenant."""

    @property
    def discarded(self) -> dict[str, int]:
        """Refused samples and metadata by Cortex's reason."""

@final
class TsdbStats:
    """Figures of one database."""

    @property
    def series(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    @property
    def metadata(self) -> int: ...
    @property
    def exemplars(self) -> int: ...
    @property
    def float_samples_appended(self) -> int: ...
    @property
    def last_append_ms(self) -> int:
        """Wall clock of the last append that took a sample; 0 for none since it was opened."""

    @property
    def min_time_ms(self) -> int:
        """Of the oldest sample; the largest 64-bit number without samples."""

    @property
    def max_time_ms(self) -> int:
        """Of the newest sample; the smallest 64-bit number without samples."""

    @property
    def memory_bytes(self) -> int: ...
    @property
    def blocks(self) -> int:
        """Number of blocks here."""

    @property
    def mapping_due(self) -> bool:
        """Whether full chunks are in memory that `map_chunks` would write."""

    @property
    def compaction_due(self) -> bool:
        """Whether `compact` would write a block."""

    @property
    def removal_due(self) -> bool:
        """Whether `remove_expired` may find something, if it was shipped."""

@final
class UpkeepStats:
    """Figures of what keeps databases small, since they were opened.

    Three numbers are attempts, failures, and the seconds that all attempts took.
    """

    @property
    def compactions(self) -> tuple[int, int, float]:
        """Blocks that were written."""

    @property
    def compactions_by_duration(self) -> list[int]:
        """Up to 1 s, 2 s, 4 s and so on to 8192 s and above, each without those before."""

    @property
    def head_truncations(self) -> tuple[int, int, float]: ...
    @property
    def log_truncations(self) -> tuple[int, int, float]: ...
    @property
    def checkpoints(self) -> tuple[int, int, float]: ...
    @property
    def checkpoint_removals(self) -> tuple[int, int, float]: ...
    @property
    def reloads(self) -> tuple[int, int, float]:
        """Times that the blocks here were looked through."""

    @property
    def retentions(self) -> int:
        """Times that blocks were past retention."""

    @property
    def log_writes(self) -> int: ...
    @property
    def log_pages(self) -> int:
        """Pages that were filled."""

    @property
    def log_syncs(self) -> tuple[int, int, float]: ...
    @property
    def log_corruptions(self) -> int:
        """Logs whose end was cut off at the start."""

@final
class Figure:
    """What a line of `Figures.lines` shows of a tenant. What was done counts since the database was opened."""

    SERIES_CREATED: Figure
    """Replayed ones included."""
    SERIES_REMOVED: Figure
    CHUNKS_CREATED: Figure
    """Replayed ones included."""
    CHUNKS_REMOVED: Figure
    FLOAT_SAMPLES_APPENDED: Figure
    HISTOGRAM_SAMPLES_APPENDED: Figure
    OUT_OF_ORDER_FLOATS_APPENDED: Figure
    OUT_OF_ORDER_HISTOGRAMS_APPENDED: Figure
    OUT_OF_ORDER_FLOATS_REFUSED: Figure
    """Refused or dropped."""
    OUT_OF_ORDER_HISTOGRAMS_REFUSED: Figure
    """Refused or dropped."""
    OUT_OF_ORDER_DELTAS: Figure
    """Samples that were not in order, taken or not."""
    OUT_OF_ORDER_DELTA_SECONDS: Figure
    """How far behind the newest sample these were, all together."""
    EXEMPLAR_SERIES: Figure
    OLDEST_EXEMPLAR_SECONDS: Figure
    """Time of the exemplar that came first of those stored; 0 for none."""
    BLOCK_BYTES: Figure
    """Of index and chunks."""
    SYMBOL_TABLE_BYTES: Figure
    """Memory of the blocks' tables of symbols."""
    OPENING_SECONDS: Figure

@final
class Figures:
    """Figures of all databases of nearly one moment: sums here, those of each tenant in `lines`.

    Sums of what only grows have those of databases that were ended too. The length is the number of tenants.
    """

    def __len__(self) -> int: ...
    @property
    def series(self) -> int: ...
    @property
    def metadata(self) -> int: ...
    @property
    def blocks(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    @property
    def exemplars(self) -> int: ...
    @property
    def chunks_mapped(self) -> int: ...
    @property
    def chunk_corruptions(self) -> int: ...
    @property
    def snapshot_failures(self) -> int: ...
    @property
    def exemplars_appended(self) -> int: ...
    @property
    def out_of_order_exemplars(self) -> int: ...
    @property
    def wal_failures(self) -> int: ...
    @property
    def upkeep(self) -> UpkeepStats: ...
    def lines(self, pool: Pool, columns: list[tuple[str, str, Figure, bool]], first: int, end: int) -> Future[bytes]:
        """The lines of the tenants from the place `first` to before `end`, in the order of their names.

        Of each tenant a line a column: a text, the tenant, another text, the figure as Go writes it; the last member
        of a column says whether a whole number gets a fraction of zero. Takes a thread as `stats_of` does.
        """

def figures_of(pool: Pool, options: TsdbOptions, tsdbs: list[Tsdb]) -> Future[Figures]:
    """Figures of databases that were opened with these options; their folders have the names of the tenants.

    Takes a thread as `stats_of` does.
    """

def stats_of(pool: Pool, tsdbs: list[Tsdb]) -> Future[list[TsdbStats]]:
    """Figures of each database, in their order. Neither waits behind what is queued in the pool nor is refused."""

def active_series_of(pool: Pool, tsdbs: list[Tsdb], since_ms: int) -> Future[list[tuple[int, int]]]:
    """Of each database the series that got a sample at `since_ms` or later: all, and those of native histograms.

    The others are not counted again until they get one. Takes a thread as `stats_of` does.
    """

@final
class Tsdb:
    """One tenant's database."""

    @staticmethod
    def open(pool: Pool, folder: str, options: TsdbOptions) -> Future[Tsdb]:
        """Opens or makes it and replays its log. Raises `StorageFailedError`."""

    def append(
        self, pool: Pool, request: WriteRequest, limits: SeriesLimits, max_series: int | None = None
    ) -> Future[Appended]:
        """Appends a validated request; it is in the log when the future is done.

        Raises `StorageFailedError`, and `LimitError` when it would make the databases that are open with the same
        options have more than `max_series` series in memory together: then nothing of it is taken.
        """

    def label_set_series(self, pool: Pool, limits: SeriesLimits) -> Future[list[tuple[str, int, int]]]:
        """Series in memory that count for the limits on label sets: label set as text, configured limit, series."""

    def purge_metadata(self, pool: Pool, before_ms: int) -> Future[int]:
        """Forgets metadata that was last set before a time; gives the number of entries forgotten."""

    def map_chunks(self, pool: Pool) -> Future[int]:
        """Writes the full chunks in memory to files, where they are read from then on; their number.

        Raises `StorageFailedError`: what was not written stays in memory.
        """

    def compact(self, pool: Pool) -> Future[list[str]]:
        """Cuts whole block ranges of the head into blocks; their ids, oldest first. Raises `StorageFailedError`."""

    def flush(self, pool: Pool) -> Future[list[str]]:
        """As `compact`, of everything that the head has; samples up to the newest are refused from the beginning."""

    def remove_expired(self, pool: Pool, shipped: list[str] | None) -> Future[list[str]]:
        """Removes blocks past retention, of these only those that `shipped` names unless it is None; gives their ids.

        Raises `StorageFailedError`.
        """

    @property
    def opening_s(self) -> float:
        """Seconds that opening and replaying took."""

    @property
    def blocks_version(self) -> int:
        """Another number when `blocks` gives others."""

    def blocks(self) -> list[tuple[str, int]]:
        """Ids of the blocks here and when they were made, in the order of their time ranges; fit for the event loop."""

    def end(self, pool: Pool) -> Future[None]:
        """As `close`, of a database that is to be removed. What was counted stays in the sums of `figures_of`."""

    def remove(self, pool: Pool) -> Future[None]:
        """Closes the database and removes its folder. Raises `StorageFailedError`: what is left can be opened."""

    def close(self, pool: Pool) -> Future[None]:
        """Syncs and closes the log."""

@final
class Bucket:
    """The objects of a bucket, by key. What may pass is tried again; every call may be repeated without harm.

    The calls take no thread of the pool: it is only told when they are done. They raise `BucketUnavailableError` when
    the store did not answer however often it was asked, and `BucketError` for a refusal that would come again.
    """

    @staticmethod
    def filesystem(folder: str) -> Bucket:
        """The files below a folder, which is made if need be. Raises `BucketError`."""

    def upload(self, pool: Pool, key: str, path: str) -> Future[int]:
        """Uploads a file part by part; gives its length in bytes."""

    def put(self, pool: Pool, key: str, body: bytes) -> Future[None]: ...
    def get(self, pool: Pool, key: str, max_bytes: int) -> Future[bytes]:
        """Raises `ObjectNotFoundError`, and `BucketError` for an object of more than `max_bytes`."""

    def get_range(self, pool: Pool, key: str, start: int, end: int) -> Future[bytes]:
        """Bytes from `start` to before `end`, fewer at the end of the object. Raises `ObjectNotFoundError`."""

    def exists(self, pool: Pool, key: str) -> Future[bool]: ...
    def attributes(self, pool: Pool, key: str) -> Future[tuple[int, int]]:
        """Length in bytes, and when it was written. Raises `ObjectNotFoundError`."""

    def list_all(self, pool: Pool, folder: str) -> Future[list[tuple[str, int, int]]]:
        """Key, length and time of all objects below a folder, ascending; the empty folder is the whole bucket."""

    def list_folder(self, pool: Pool, folder: str) -> Future[tuple[list[tuple[str, int, int]], list[str]]]:
        """Objects and folders directly below a folder, ascending."""

    def delete(self, pool: Pool, key: str) -> Future[None]:
        """No error when there is no such object."""

@final
class Cancellation:
    """Ends an evaluation: by `cancel`, or when its time is up."""

    def __new__(cls, timeout_s: float) -> Cancellation: ...
    def cancel(self) -> None: ...

@final
class Dialect:
    """Which PromQL is understood: Cortex's with its default flags, and what is switched on."""

    def __new__(cls, *, experimental_functions: bool, extended_range_functions: bool, features: list[str]) -> Dialect:
        """`extended_range_functions` are `xrate`, `xincrease` and `xdelta`.

        Raises `ValueError` for a feature that does not exist, with the names there are.
        """

@final
class Query:
    """A parsed query."""

    @staticmethod
    def parse(text: str, dialect: Dialect) -> Query:
        """Raises `ParseError` with Prometheus's text and position."""

    @property
    def text(self) -> str: ...
    @property
    def value_type(self) -> str:
        """`scalar`, `instant vector`, `range vector` or `string`."""

    def pretty(self) -> str:
        """The formatted text."""

    def tree_json(self) -> bytes:
        """The syntax tree as Prometheus's `parse_query` gives it."""

    def selects(self) -> bool:
        """Whether it has selectors, without which no storage is asked."""

    def most_subquery_steps(self, default_step_ms: int) -> int:
        """The greatest number of steps of one of its subqueries: range divided by step; 0 without subqueries."""

    def selections_ms(self, start_ms: int, end_ms: int, step_ms: int, lookback_ms: int) -> list[tuple[int, int]]:
        """First and last millisecond that its selectors read, in the order of the text, equal selections once.

        Raises `ParseError` when a duration expression has no value at these times.
        """

    def evaluate(
        self,
        pool: Pool,
        tsdb: Tsdb | None,
        cancellation: Cancellation,
        fetch: Fetch,
        *,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        visible_ms: tuple[int, int],
        lookback_ms: int,
        default_step_ms: int,
        max_samples: int,
        stats: bool,
        per_step_stats: bool,
    ) -> Future[Evaluated]:
        """A step of 0 makes an instant query; without a database there are no series.

        `visible_ms`: first and last millisecond of which samples are seen. `stats`: the figures are part of the answer.
        Raises `ExecutionError`, `LimitError`, `QueryCanceledError`, `QueryTimeoutError`, `StorageFailedError`.
        """

@final
class Evaluated:
    """An answer and what is told of it beside it."""

    @property
    def body(self) -> bytes:
        """The whole JSON answer."""

    @property
    def series(self) -> int:
        """Of a vector or a matrix; 0 for a number or a text."""

    @property
    def samples(self) -> int:
        """Samples that were loaded, counted as Prometheus does."""

    @property
    def peak_samples(self) -> int:
        """The most samples held at once."""

@final
class Fetch:
    """What one query may fetch from the storage, and what it has fetched; every selector counts for itself."""

    def __new__(
        cls, *, max_series: int, max_chunks: int, max_chunk_bytes: int, max_data_bytes: int, exact: bool
    ) -> Fetch:
        """Limits of 0 are none. `max_series`: different ones; bytes: as Cortex's ingesters would send them.

        Unless they are to be `exact`, or bytes are limited, the figures of many series are estimated; limits hold in
        any case.
        """

    @property
    def series(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    @property
    def samples(self) -> int: ...
    @property
    def chunk_bytes(self) -> int: ...
    @property
    def data_bytes(self) -> int:
        """Labels and chunks."""

    @property
    def selectors(self) -> list[tuple[int, int, int]]:
        """Series, samples and chunks of each selector that was asked for, those that were refused too."""

    @property
    def storage_s(self) -> float:
        """Seconds that the storage took to select."""

@final
class Pattern:
    """A regular expression of the configuration, matched in linear time."""

    def __new__(cls, pattern: str) -> Pattern:
        """Raises `ValueError`."""

    def found_in(self, text: str) -> bool: ...

@final
class ReadRequest:
    """A decoded remote read request."""

    @staticmethod
    def decode(pool: Pool, body: bytes) -> Future[ReadRequest]:
        """Raises `DecodeError` with the text of the 400, for regular expressions too."""

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """First and last millisecond of each query."""

    def answer(
        self, pool: Pool, tsdb: Tsdb | None, cancellation: Cancellation, fetch: Fetch, visible_ms: tuple[int, int]
    ) -> Future[bytes]:
        """The packed answer: samples of the queries in their order. The limits are for each of them.

        Raises `LimitError`, `QueryCanceledError`, `StorageFailedError`, `ExecutionError` when it is too large.
        """

@final
class Selectors:
    """Parsed `match[]` parameters."""

    @staticmethod
    def parse(texts: list[str]) -> Selectors:
        """Raises `ParseError`."""

    @property
    def any_matches_everything(self) -> bool:
        """One of them has only matchers that match the empty string."""

@final
class ReadOnlyTsdb:
    """A database that is only read, on the calling thread. All but `close` raise `ClosedError` after it.

    A signal that raises, such as Ctrl-C, ends `evaluate` and `select` at the next series.
    """

    @staticmethod
    def open(folder: str | os.PathLike[str]) -> ReadOnlyTsdb:
        """Raises `FileNotFoundError`, `StorageFailedError`."""

    def close(self) -> None: ...
    @property
    def time_range_ms(self) -> tuple[int, int] | None:
        """First and last millisecond that there may be samples of; None without any."""

    def evaluate(
        self, query: Query, *, start_ms: int, end_ms: int, step_ms: int, lookback_ms: int, max_samples: int
    ) -> QueryResult:
        """As `Query.evaluate`. Raises `ExecutionError`, `StorageFailedError`, `ParseError` for a range of ranges."""

    def select(self, selector: str, *, start_ms: int, end_ms: int, max_samples: int) -> QueryResult:
        """Samples as they were stored, without staleness markers.

        Raises `ParseError`, `StorageFailedError`, and `ExecutionError` for more than `max_samples` (0 for no limit).
        """

    def series(self, selector: str | None) -> QueryResult:
        """Raises `ParseError`, `StorageFailedError`, as the others below."""

    def label_names(self, selector: str | None) -> list[str]: ...
    def label_values(self, name: str, selector: str | None) -> list[str]: ...

@final
class QueryResult:
    """A result: Arrow columns for any data frame, or the JSON of the query API.

    The columns are those of docs/library.md, one row a sample. They are made when they are first asked for and shared
    from then on: what takes these types as they are, by the Arrow PyCapsule interface, copies nothing. `len` is the
    number of rows. What asks for columns raises `LimitError` when there is too much for one column.
    """

    @property
    def kind(self) -> str:
        """`matrix`, `vector`, `scalar`, `string`; `series` for labels alone."""

    @property
    def warnings(self) -> list[str]:
        """Something is likely wrong with the result."""

    @property
    def infos(self) -> list[str]:
        """Something is worth knowing about the result."""

    def json(self) -> bytes:
        """The whole answer as the HTTP API writes it."""

    def with_label_map(self) -> QueryResult:
        """The same result with one column `labels` of maps in place of a column a label."""

    def __len__(self) -> int: ...
    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

def label_names(pool: Pool, tsdb: Tsdb | None, selectors: Selectors, limit: int) -> Future[bytes]: ...
def label_values(pool: Pool, tsdb: Tsdb | None, name: str, selectors: Selectors, limit: int) -> Future[bytes]: ...
def series(pool: Pool, tsdb: Tsdb | None, selectors: Selectors, limit: int, max_series: int) -> Future[bytes]: ...
def metadata(pool: Pool, tsdb: Tsdb | None, metric: str, limit: int, limit_per_metric: int) -> Future[bytes]: ...
def exemplars(pool: Pool, tsdb: Tsdb | None, query: Query, start_ms: int, end_ms: int) -> Future[tuple[bytes, int]]:
    """The JSON answer, and the number of exemplars in it."""
