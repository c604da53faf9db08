"""Times and durations as users write them, to the milliseconds of the native core."""

from datetime import UTC, datetime, timedelta

Time = datetime | float
"""A datetime that knows its time zone, or seconds since the epoch as the query API takes them."""

Duration = timedelta | float
"""A timedelta or seconds."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def time_ms(time: Time) -> int:
    """Milliseconds since the epoch. Raises `ValueError` for a datetime without a time zone and for no number."""
    if not isinstance(time, datetime):
        return _whole(time)
    if time.tzinfo is None:
        raise ValueError(f"{time!r} has no time zone: say which, such as datetime.UTC")
    return (time - EPOCH) // MILLISECOND


def duration_ms(duration: Duration) -> int:
    """Milliseconds. Raises `ValueError` for what is no number."""
    if isinstance(duration, timedelta):
        return duration // MILLISECOND
    return _whole(duration)


def datetime_of(time_ms: int) -> datetime:
    """The time in UTC; the first or last there is for one that a datetime cannot tell."""
    try:
        return EPOCH + time_ms * MILLISECOND
    except OverflowError:
        return (datetime.max if time_ms > 0 else datetime.min).replace(tzinfo=UTC)


def _whole(seconds: float) -> int:
    try:
        return round(seconds * 1000)
    except OverflowError:
        raise ValueError("infinite seconds") from None
