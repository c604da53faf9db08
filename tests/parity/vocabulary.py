"""The words of the queries: metrics with their labels, functions, numbers, durations, as each oracle knows them."""

from enum import Enum

from parity.dataset import START_S


class Dialect(Enum):
    """What the oracle understands.

    Prometheus 2.42 lacks some functions and spellings, closes windows on the left, and extrapolates the rate of a
    window that reaches before the first sample otherwise; queries for it stay clear of these, as each use says.
    """

    PROMETHEUS_2 = 2
    PROMETHEUS_3 = 3


FIRST_S = {Dialect.PROMETHEUS_2: START_S + 5400, Dialect.PROMETHEUS_3: START_S - 600}
"""First time of queries. In 2.42 no window of a rate (10m, in a subquery of 30m, each moved by 20m) leaves the data."""

LABELS: dict[str, tuple[str, ...]] = {
    "requests_total": ("job", "instance", "code", "method"),
    "errors_total": ("job", "instance"),
    "temperature": ("job", "instance", "zone"),
    "flaky": ("job", "instance"),
    "build_info": ("job", "instance", "version"),
    "cpu_usage": ("instance", "cpu", "mode"),
    "duration_seconds_bucket": ("job", "instance", "le"),
    "duration_seconds_count": ("job", "instance"),
    "duration_seconds_sum": ("job", "instance"),
    "odd": ("kind",),
    "levels": ("level",),
    "late": ("job",),
    "early": ("job",),
    "once": ("job",),
    "clock_seconds": ("job",),
    "crooked_bucket": ("le",),
    "open_bucket": ("le",),
    "no_such_metric": ("job",),
}

METRIC_WEIGHTS = [1 if name in ("once", "no_such_metric", "late", "early") else 8 for name in LABELS]

VALUES: dict[str, tuple[str, ...]] = {
    "job": ("api", "api", "web", "web", "none", ""),
    "instance": ("a:80", "b:80", "c:81"),
    "code": ("200", "404", "500"),
    "method": ("get", "post"),
    "zone": ("north", "south"),
    "version": ("1.0", "1.1", "1.2", "1.3"),
    "cpu": ("0", "1", "2", "3"),
    "mode": ("idle", "user"),
    "le": ("0.05", "1", "+Inf"),
    "kind": ("nan", "inf", "neginf", "huge", "tiny", "zero", "negzero", "third", "mixed"),
    "level": ("low", "high", "", 'zürich "quoted" \\ 日本'),
}

PATTERNS = {
    "job": ("web|api", "a.*", "(?i)API", ".*", "^a", "[^a]+", "api|"),
    "instance": ("(a|b):80", ".+", "[a-m].*", "b:.*", "b$", ".:8[0-9]", ".*:81|a.+"),
    "code": ("4..|5..", "2.*", ".+", "[0-9]{3}", "200|404"),
    "le": (".*", "0.*", "[+]Inf|1", "1|2.5|[+]Inf", "..+"),
}
ANY_PATTERNS = (".*", ".+", "0|1|2", ".*[aeiou].*", "", ".", "[^a]+", "(high|user|north|nan).*", "\\PL+|\\p{L}.*")

COUNTERS = (
    "requests_total",
    "errors_total",
    "duration_seconds_count",
    "duration_seconds_sum",
    "duration_seconds_bucket",
)
BY_TARGET = (*COUNTERS[:4], "temperature", "flaky", "build_info")

# fmt: off
MATH = (
    "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad",
)
# fmt: on
CALENDAR = ["day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"]
# fmt: off
OVER_TIME = (
    "avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "stddev_over_time",
    "stdvar_over_time", "last_over_time", "present_over_time", "changes", "resets", "rate", "irate", "increase",
    "delta", "idelta", "deriv",
)
# fmt: on
HISTOGRAM = ["histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar"]
AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
COMPARISON = ("==", "!=", ">", "<", ">=", "<=")
SETS = ("and", "or", "unless")

# fmt: off
NUMBERS = (
    "0", "1", "2", "0.5", "-1", "-0.3", "3.7", "10", "100", "1e3", "1e-7", "1e308", "NaN", "Inf", "-Inf", "0x1F",
    "1_000", ".5", "-0", "9007199254740993",
)
# fmt: on
QUANTILES = ["0", "0.1", "0.25", "0.5", "0.9", "0.99", "1", "-1", "1.5", "NaN"]
SHORT_RANGES = ["1m", "90s", "2m", "5m", "7m30s", "10m"]
RANGES = {
    Dialect.PROMETHEUS_2: [*SHORT_RANGES, "17m", "30m", "15s", "30s"],
    Dialect.PROMETHEUS_3: [*SHORT_RANGES, "17m", "30m", "15s", "30s", "1s", "1h", "3h", "300", "1m1s1ms"],
}
STEPS = ["15s", "30s", "1m", "37s", "2m", "5m", "10m"]
OFFSETS = {
    Dialect.PROMETHEUS_2: ["1m", "15s", "5m", "33s", "20m", "-1m", "-5m", "-33s"],
    Dialect.PROMETHEUS_3: ["1m", "15s", "5m", "33s", "20m", "-1m", "-5m", "-33s", "0s", "1h", "12.5", "-0x10"],
}
