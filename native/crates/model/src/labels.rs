//! A label set: names and values, sorted by name, in one shared allocation.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Name of the label that holds the metric name.
pub const METRIC_NAME: &str = "__name__";

/// An immutable label set, sorted by name, each name once. Cloning shares the allocation.
///
/// Encoding: for each label the name's length, the name, the value's length, the value; lengths as LEB128.
/// Equal sets have equal bytes, so equality and hashing work on the bytes.
#[derive(Clone)]
pub struct Labels {
    data: Arc<[u8]>,
}

impl Labels {
    /// The set without labels.
    #[must_use]
    pub fn empty() -> Self {
        Self { data: Arc::from([]) }
    }

    /// Builds a set from pairs in any order. Of a repeated name the last wins; labels with an empty value are left out,
    /// since for Prometheus an empty label and a missing one are the same.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::new();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.finish()
    }

    /// Builds a set from pairs that are already sorted by name, without repeats and without empty values.
    #[must_use]
    pub fn from_sorted(pairs: &[(&str, &str)]) -> Self {
        debug_assert!(pairs.windows(2).all(|w| w[0].0 < w[1].0));
        let size = pairs.iter().map(|(n, v)| n.len() + v.len() + 4).sum();
        let mut data = Vec::with_capacity(size);
        for (name, value) in pairs {
            push_str(&mut data, name);
            push_str(&mut data, value);
        }
        Self { data: data.into() }
    }

    /// Labels in the order of their names.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.data }
    }

    /// The value of `name`, if the set has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n >= name).filter(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// The metric name, or the empty string.
    #[must_use]
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    /// Number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// True when there is no label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The encoded form, equal for equal sets: a ready key for maps.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.data
    }

    /// A copy without the named labels.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        if !self.iter().any(|(n, _)| names.contains(&n)) {
            return self.clone();
        }
        let kept: Vec<_> = self.iter().filter(|(n, _)| !names.contains(n)).collect();
        Self::from_sorted(&kept)
    }

    /// A copy with only the named labels.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Self {
        let kept: Vec<_> = self.iter().filter(|(n, _)| names.contains(n)).collect();
        Self::from_sorted(&kept)
    }

    /// Appends the encoded form of [`Labels::without`] to `out`.
    pub fn encode_without(&self, names: &[&str], out: &mut Vec<u8>) {
        self.encode_if(|name| !names.contains(&name), out);
    }

    /// Appends the encoded form of [`Labels::only`] to `out`.
    pub fn encode_only(&self, names: &[&str], out: &mut Vec<u8>) {
        self.encode_if(|name| names.contains(&name), out);
    }

    fn encode_if(&self, keep: impl Fn(&str) -> bool, out: &mut Vec<u8>) {
        for (name, value) in self.iter().filter(|(name, _)| keep(name)) {
            push_str(out, name);
            push_str(out, value);
        }
    }

    /// xxh64 over `name 0xff value 0xff …`, as Prometheus's `labels.Hash`.
    #[must_use]
    pub fn hash64(&self) -> u64 {
        let mut text = Vec::with_capacity(self.data.len() + 8);
        for (name, value) in self.iter() {
            text.extend_from_slice(name.as_bytes());
            text.push(0xff);
            text.extend_from_slice(value.as_bytes());
            text.push(0xff);
        }
        xxhash_rust::xxh64::xxh64(&text, 0)
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.data, &other.data) || self.data == other.data
    }
}

impl Eq for Labels {}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.data);
    }
}

impl Ord for Labels {
    /// Prometheus's `labels.Compare`: pair by pair, names before values, a prefix before the longer set.
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// `{a="b", c="d"}` with every label, the metric name among them, as Go's `labels.Labels.String`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            if is_legacy_label_name(name) {
                f.write_str(name)?;
            } else {
                f.write_str(&crate::float::go_quote(name))?;
            }
            f.write_str("=")?;
            f.write_str(&crate::float::go_quote(value))?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Iterator over the labels of a set.
#[derive(Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let name = take_str(&mut self.rest);
        let value = take_str(&mut self.rest);
        Some((name, value))
    }
}

/// Changes a label set, then makes a new one.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> LabelsBuilder<'a> {
    /// A builder without labels.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder that starts from a set.
    #[must_use]
    pub fn from_labels(labels: &'a Labels) -> Self {
        Self { pairs: labels.iter().map(|(n, v)| (Cow::Borrowed(n), Cow::Borrowed(v))).collect() }
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            self.remove(name);
            return;
        }
        match self.pairs.iter_mut().find(|(n, _)| n == name) {
            Some(pair) => pair.1 = Cow::Owned(value.to_owned()),
            None => self.pairs.push((Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned()))),
        }
    }

    /// Removes a label.
    pub fn remove(&mut self, name: &str) {
        self.pairs.retain(|(n, _)| n != name);
    }

    /// The present value of a label.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_ref())
    }

    /// The finished set.
    #[must_use]
    pub fn finish(mut self) -> Labels {
        self.pairs.sort_unstable();
        let pairs: Vec<_> = self.pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
        Labels::from_sorted(&pairs)
    }
}

/// True for names of the form `[a-zA-Z_][a-zA-Z0-9_]*`.
#[must_use]
pub fn is_legacy_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// True for names of the form `[a-zA-Z_:][a-zA-Z0-9_:]*`.
#[must_use]
pub fn is_legacy_metric_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

fn push_str(data: &mut Vec<u8>, text: &str) {
    let mut n = text.len();
    while n >= 0x80 {
        data.push(n as u8 | 0x80);
        n >>= 7;
    }
    data.push(n as u8);
    data.extend_from_slice(text.as_bytes());
}

fn take_str<'a>(rest: &mut &'a [u8]) -> &'a str {
    let (mut n, mut shift, mut at) = (0usize, 0, 0);
    loop {
        let byte = rest[at];
        at += 1;
        n |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    let (text, after) = rest[at..].split_at(n);
    *rest = after;
    // SAFETY: the private `data` is only ever written by `push_str`, from a `&str` of exactly this length.
    unsafe { std::str::from_utf8_unchecked(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_and_keeps_the_last_of_a_repeated_name() {
        let labels = Labels::from_pairs([("b", "1"), ("a", "x"), ("b", "2"), ("c", "")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "x"), ("b", "2")]);
        assert_eq!(labels.to_string(), r#"{a="x", b="2"}"#);
    }

    #[test]
    fn hashes_as_prometheus_does() {
        // labels.FromStrings("a", "b").Hash() hashes the bytes "a\xffb\xff".
        assert_eq!(Labels::from_pairs([("a", "b")]).hash64(), xxhash_rust::xxh64::xxh64(b"a\xffb\xff", 0));
    }

    #[test]
    fn compares_pair_by_pair() {
        let short = Labels::from_pairs([("a", "1")]);
        let long = Labels::from_pairs([("a", "1"), ("b", "1")]);
        assert!(short < long && Labels::from_pairs([("a", "2")]) > long);
    }

    #[test]
    fn long_values_round_trip() {
        let value = "v".repeat(20_000);
        let labels = Labels::from_pairs([("name", value.as_str())]);
        assert_eq!(labels.get("name"), Some(value.as_str()));
    }
}
