//! Lists of series, alone and behind matchers, against sets.

use std::collections::BTreeSet;
use std::path::Path;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::series::{Queryable, SelectHints};
use neocortex_tsdb::fs::FaultyFs;
use neocortex_tsdb::postings::ops::{intersect, subtract, union};
use neocortex_tsdb::wal::record::{RefSample, encode_samples, encode_series};
use neocortex_tsdb::{Options, Tsdb};

use crate::database::{DATA, open, write_log};

/// Union, intersection and difference of three lists, against sets. A list is made of runs of five bytes: which list, two for
/// the first number, how far the others are apart, how many there are.
pub fn lists(input: &[u8]) {
    let mut sets: [BTreeSet<u32>; 3] = Default::default();
    for [which, high, low, step, count] in input.as_chunks().0 {
        let first = u32::from(u16::from_be_bytes([*high, *low]));
        sets[usize::from(*which) % 3].extend((0..u32::from(*count)).map(|i| first + i * u32::from(*step)));
    }
    let [a, b, c] = &sets;
    let list = |set: &BTreeSet<u32>| set.iter().copied().collect::<Vec<_>>();
    let (la, lb, lc) = (list(a), list(b), list(c));
    assert_eq!(intersect(&la, &lb), list(&(a & b)));
    assert_eq!(subtract(&la, &lb), list(&(a - b)));
    assert_eq!(union([&la[..], &lb, &lc]), list(&(&(a | b) | c)));
}

const CHUNK_RANGE_MS: i64 = 7_200_000;

/// Time of the samples that the head keeps.
const NEW_MS: i64 = 3 * CHUNK_RANGE_MS;

/// More would cost time and no other code.
const MAX_SERIES: usize = 64;

/// Labels beside the number of a series; no series has the last one.
const NAMES: [&str; 4] = ["a", "b", "c", "none"];

const VALUES: [&str; 12] = ["", "0", "1", "2", "7", "0|1", "0|1|2|30", "|1", ".*", ".+", "1.*", "[0-3]"];

const OPERATORS: [MatchOp; 4] = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];

/// Which series have a label: from the `first` one on each `step`th, with so many `values` in turn.
struct Spread {
    first: usize,
    step: usize,
    values: usize,
}

impl Spread {
    fn value(&self, series: usize) -> Option<usize> {
        let after = series.checked_sub(self.first)?;
        (after % self.step == 0).then(|| after / self.step % self.values)
    }
}

/// Series chosen by matchers: in a head, in a head that has forgotten some beside a block, in blocks; against matching each
/// series.
///
/// A byte for the number of series, one for which of them are old, three for each of three labels, then two a matcher.
pub fn selectors(input: &[u8]) {
    let Some(([count, old, spreads @ ..], matchers)) = input.split_first_chunk::<11>() else { return };
    let spreads = spreads.as_chunks::<3>().0.iter().map(|[first, step, values]| Spread {
        first: usize::from(*first) % MAX_SERIES,
        step: usize::from(*step) + 1,
        values: usize::from(*values) + 1,
    });
    let spreads: Vec<Spread> = spreads.collect();
    let series: Vec<Labels> = (0..=usize::from(*count) % MAX_SERIES).map(|i| labels(&spreads, i)).collect();
    let is_old = |i: usize| i.is_multiple_of(usize::from(*old) + 1);
    let matchers: Vec<Matcher> = matchers.as_chunks::<2>().0.iter().take(4).map(matcher).collect();
    let matching = |i: &usize| matchers.iter().all(|m| m.matches(series[*i].get(m.name()).unwrap_or("")));
    let expected: BTreeSet<usize> = (0..series.len()).filter(matching).collect();
    let new: BTreeSet<usize> = expected.iter().copied().filter(|i| !is_old(*i)).collect();

    let tsdb = database(&series, is_old);
    assert_eq!(selected(&tsdb, &matchers, 0), expected, "{matchers:?} in a head");
    tsdb.compact().expect("nothing fails");
    assert_eq!(selected(&tsdb, &matchers, NEW_MS), new, "{matchers:?} in a head that has forgotten some");
    assert_eq!(selected(&tsdb, &matchers, 0), expected, "{matchers:?} in a head and a block");
    tsdb.flush().expect("nothing fails");
    assert_eq!(selected(&tsdb, &matchers, 0), expected, "{matchers:?} in blocks");
}

fn labels(spreads: &[Spread], series: usize) -> Labels {
    let mut pairs = vec![("i".to_owned(), series.to_string())];
    for (spread, name) in spreads.iter().zip(NAMES) {
        pairs.extend(spread.value(series).map(|value| (name.to_owned(), value.to_string())));
    }
    Labels::from_pairs(pairs)
}

fn matcher([name, value]: &[u8; 2]) -> Matcher {
    let (name, operator) = (NAMES[usize::from(name % 4)], OPERATORS[usize::from(name / 4 % 4)]);
    let value = VALUES[usize::from(*value) % VALUES.len()];
    Matcher::new(operator, name, value).expect("a valid expression")
}

/// A database with a sample of each series, at 0 of the old ones and at `NEW_MS` of the others.
fn database(series: &[Labels], is_old: impl Fn(usize) -> bool) -> Tsdb {
    let (mut of_series, mut of_samples) = (Vec::new(), Vec::new());
    encode_series(&mut of_series, (1..).zip(series));
    let sample = |i: usize| RefSample { series: i as u64 + 1, t: if is_old(i) { 0 } else { NEW_MS }, v: 1.0 };
    encode_samples(&mut of_samples, &(0..series.len()).map(sample).collect::<Vec<_>>());
    let fs = FaultyFs::new();
    write_log(&fs, &Path::new(DATA).join("wal"), &[&of_series, &of_samples]);
    open(&fs, Options { chunk_range_ms: CHUNK_RANGE_MS, ..Options::default() }).expect("nothing fails")
}

/// Numbers of the series that match and have samples at `from_ms` or later.
fn selected(tsdb: &Tsdb, matchers: &[Matcher], from_ms: i64) -> BTreeSet<usize> {
    let hints = SelectHints { start_ms: from_ms, end_ms: NEW_MS, ..SelectHints::default() };
    let found = tsdb.select(matchers, &hints).expect("nothing is damaged");
    let numbers: BTreeSet<usize> = found.iter().filter_map(|series| series.labels().get("i")?.parse().ok()).collect();
    assert_eq!(numbers.len(), found.len(), "each series once");
    numbers
}
