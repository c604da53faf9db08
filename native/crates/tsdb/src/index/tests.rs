use std::collections::BTreeSet;
use std::path::Path;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use proptest::prelude::*;

use super::read::IndexReader;
use super::resolve::resolve;
use super::write::IndexWriter;
use super::*;
use crate::error::TsdbError;
use crate::fs::FaultyFs;

const PATH: &str = "/index";

type Contents = Vec<(Labels, Vec<ChunkMeta>)>;

fn write(contents: &Contents) -> FaultyFs {
    let fs = FaultyFs::new();
    let symbols: BTreeSet<&str> =
        contents.iter().flat_map(|(labels, _)| labels.iter().flat_map(|(name, value)| [name, value])).collect();
    let mut writer = IndexWriter::create(&fs, Path::new(PATH), symbols).unwrap();
    for (labels, chunks) in contents {
        writer.add_series(labels, chunks).unwrap();
    }
    writer.finish().unwrap();
    fs
}

/// Reads everything that an index has.
fn read(fs: &FaultyFs) -> Result<(Contents, Vec<String>), TsdbError> {
    let index = IndexReader::open(fs, Path::new(PATH))?;
    let contents = index.all_postings()?.into_iter().map(|series| index.series(series)).collect::<Result<_, _>>()?;
    let mut pairs = Vec::new();
    for name in index.label_names() {
        let mut lists = Vec::new();
        index.for_each_value(name, |value, list| lists.push((value, list)))?;
        for (value, list) in lists {
            let series = index.list_at(list)?;
            assert_eq!(index.postings(name, value)?, series);
            pairs.push(format!("{name}={value} {series:?}"));
        }
    }
    Ok((contents, pairs))
}

fn labels() -> impl Strategy<Value = Labels> {
    let value = || prop_oneof![Just(String::new()), "[a-c]{1,2}", (0..200u32).prop_map(|n| n.to_string())];
    (value(), value(), value())
        .prop_map(|(x, y, z)| Labels::from_pairs([("__name__", "m".to_owned()), ("x", x), ("y", y), ("é", z)]))
}

fn chunks() -> impl Strategy<Value = Vec<ChunkMeta>> {
    proptest::collection::vec((1..1i64 << 40, 0..1i64 << 40, 0..1u64 << 40), 0..6).prop_map(|steps| {
        let (mut t, mut reference) = (-(1i64 << 41), 8);
        let chunk = |(gap, length, step): (i64, i64, u64)| {
            let min_t = t + gap;
            (t, reference) = (min_t + length, reference + step);
            ChunkMeta { min_t, max_t: t, reference }
        };
        steps.into_iter().map(chunk).collect()
    })
}

fn contents(most: usize) -> impl Strategy<Value = Contents> {
    proptest::collection::btree_map(labels(), chunks(), 0..most).prop_map(|all| all.into_iter().collect())
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let name = prop_oneof![Just("x"), Just("y"), Just("é"), Just("__name__"), Just("missing")];
    let op = prop_oneof![Just(MatchOp::Equal), Just(MatchOp::NotEqual), Just(MatchOp::Regex), Just(MatchOp::NotRegex)];
    let value =
        prop_oneof![Just(""), Just("a"), Just("a|b"), Just("a.*"), Just(".*"), Just(".+"), Just("|1"), Just("m")];
    (name, op, value).prop_map(|(n, op, v)| Matcher::new(op, n, v).expect("a valid expression"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn reads_what_was_written_and_resolves_as_a_walk_does(
        contents in contents(150),
        matchers in proptest::collection::vec(proptest::collection::vec(matcher(), 0..4), 4),
    ) {
        let fs = write(&contents);
        prop_assert_eq!(&read(&fs).unwrap().0, &contents);
        let index = IndexReader::open(&fs, Path::new(PATH)).unwrap();
        prop_assert!(index.postings("x", "never").unwrap().is_empty());
        for matchers in matchers {
            let found = resolve(&matchers, &index).unwrap();
            let found: Vec<Labels> = found.into_iter().map(|series| index.labels(series).unwrap()).collect();
            let matches = |l: &&Labels| matchers.iter().all(|m| m.matches(l.get(m.name()).unwrap_or("")));
            let expected: Vec<Labels> = contents.iter().map(|(labels, _)| labels).filter(matches).cloned().collect();
            prop_assert_eq!(found, expected, "{:?}", matchers);
        }
    }

    #[test]
    fn any_bytes_do_no_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), honest: bool) {
        if honest && bytes.len() > HEADER_BYTES + TOC_BYTES {
            // A true header and table of contents lead the reader further in.
            bytes[..4].copy_from_slice(&MAGIC);
            bytes[4] = VERSION;
            let toc = bytes.len() - TOC_BYTES;
            for offset in bytes[toc..].chunks_exact_mut(8) {
                offset[..7].fill(0);
            }
            let crc = crc32c::crc32c(&bytes[toc..toc + TOC_BYTES - 4]);
            bytes[toc + TOC_BYTES - 4..].copy_from_slice(&crc.to_be_bytes());
        }
        let fs = FaultyFs::new();
        fs.put(Path::new(PATH), bytes);
        let _ = read(&fs);
    }
}

fn small() -> Contents {
    let chunk = |i: i64| ChunkMeta { min_t: i * 100, max_t: i * 100 + 99, reference: 8 + i as u64 * 50 };
    let set = |i: i64| Labels::from_pairs([("__name__", "up".to_owned()), ("i", format!("{i:03}"))]);
    (0..40).map(|i| (set(i), vec![chunk(i), chunk(i + 1)])).collect()
}

#[test]
fn a_flipped_bit_is_told_or_changes_nothing() {
    let fs = write(&small());
    let whole = fs.bytes(Path::new(PATH)).unwrap();
    let before = read(&fs).unwrap();
    let mut told = 0;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            fs.put(Path::new(PATH), bytes);
            match read(&fs) {
                Err(TsdbError::Corrupt { .. }) => told += 1,
                Err(other) => panic!("{other}"),
                Ok(read) => assert_eq!(read, before, "byte {at} bit {bit}"),
            }
        }
    }
    // What is not covered by a checksum are the zeros between parts.
    assert!(told > whole.len() * 6, "{told} of {}", whole.len() * 8);
}

#[test]
fn a_cut_index_is_told() {
    let fs = write(&small());
    let whole = fs.bytes(Path::new(PATH)).unwrap();
    for len in 0..whole.len() {
        fs.put(Path::new(PATH), whole[..len].to_vec());
        assert!(matches!(read(&fs), Err(TsdbError::Corrupt { .. })), "cut to {len}");
    }
}

#[test]
fn what_is_out_of_order_is_refused() {
    let fs = FaultyFs::new();
    assert!(IndexWriter::create(&fs, Path::new("/a"), ["b", "a"]).is_err());
    let mut writer = IndexWriter::create(&fs, Path::new("/b"), ["a", "b"]).unwrap();
    let (a, b) = (Labels::from_pairs([("a", "a")]), Labels::from_pairs([("a", "b")]));
    writer.add_series(&b, &[]).unwrap();
    assert!(writer.add_series(&a, &[]).is_err(), "series descend");
    assert!(writer.add_series(&Labels::from_pairs([("b", "c")]), &[]).is_err(), "no symbol");
    let chunk = ChunkMeta { min_t: 1, max_t: 2, reference: 8 };
    assert!(writer.add_series(&Labels::from_pairs([("b", "b")]), &[chunk, chunk]).is_err(), "chunks overlap");
}
