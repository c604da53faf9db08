//! Set operations on ascending lists of series numbers.

/// Numbers in both lists. The longer list is galloped through, so that a short list stays cheap beside a long one.
pub fn intersect(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (short, mut long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut out = Vec::with_capacity(short.len());
    for id in short {
        long = seek(long, *id);
        match long.first() {
            Some(first) if first == id => out.push(*id),
            Some(_) => {}
            None => break,
        }
    }
    out
}

/// Numbers of `a` that are not in `b`.
pub fn subtract(a: &[u32], mut b: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(a.len());
    for id in a {
        b = seek(b, *id);
        if b.first() != Some(id) {
            out.push(*id);
        }
    }
    out
}

/// Numbers in at least one of the lists.
pub fn union<'a>(lists: impl IntoIterator<Item = &'a [u32]>) -> Vec<u32> {
    let mut out = Vec::new();
    let mut sorted = true;
    for list in lists {
        sorted &= match (out.last(), list.first()) {
            (Some(last), Some(first)) => last < first,
            _ => true,
        };
        out.extend_from_slice(list);
    }
    if !sorted {
        out.sort_unstable();
        out.dedup();
    }
    out
}

/// The part of `list` that starts with the first number not below `id`.
fn seek(list: &[u32], id: u32) -> &[u32] {
    if list.first().is_none_or(|first| *first >= id) {
        return list;
    }
    let mut step = 1;
    while step < list.len() && list[step] < id {
        step *= 2;
    }
    let from = step / 2;
    let to = list.len().min(step + 1);
    &list[from + list[from..to].partition_point(|other| *other < id)..]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set() -> impl Strategy<Value = BTreeSet<u32>> {
        prop_oneof![
            proptest::collection::btree_set(0..40u32, 0..20),
            proptest::collection::btree_set(0..3000u32, 0..400),
            proptest::collection::btree_set(prop_oneof![Just(0), Just(u32::MAX), any::<u32>()], 0..10),
        ]
    }

    fn list(set: &BTreeSet<u32>) -> Vec<u32> {
        set.iter().copied().collect()
    }

    proptest! {
        #[test]
        fn as_sets_do(a in set(), b in set(), c in set()) {
            let (la, lb, lc) = (list(&a), list(&b), list(&c));
            prop_assert_eq!(intersect(&la, &lb), a.intersection(&b).copied().collect::<Vec<_>>());
            prop_assert_eq!(subtract(&la, &lb), a.difference(&b).copied().collect::<Vec<_>>());
            let all: BTreeSet<u32> = a.iter().chain(&b).chain(&c).copied().collect();
            prop_assert_eq!(union([&la[..], &lb, &lc]), list(&all));
        }
    }
}
