"""What is in a directory of samples: `python docs/examples/library.py DIRECTORY`."""

import sys

import polars as pl

import neocortex


def main(path: str) -> None:
    with neocortex.open(path) as database:
        if database.time_range is None:
            sys.exit("no samples")
        start, end = database.time_range
        print(f"{len(database.series())} series from {start} to {end}")

        samples = pl.DataFrame(database.select('{__name__=~".+"}', start, end))
        print(samples.group_by("__name__").agg(pl.len().alias("samples")).sort("samples", descending=True))

        rates = database.query_range("sum by (job) (rate({__name__=~'.+_total'}[5m]))", start, end, step=60)
        print(pl.DataFrame(rates))
        print(*rates.warnings, *rates.infos, sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
