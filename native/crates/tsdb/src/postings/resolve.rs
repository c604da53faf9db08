//! From matchers to the series that match them all.
//!
//! Source: Prometheus `tsdb/querier.go`, `PostingsForMatchers`: a label that is missing counts as empty, so a matcher
//! that accepts the empty value cannot choose series, it can only take some away.

use neocortex_model::matchers::{MatchOp, Matcher};

use super::mem::{LabelPostings, MemPostings};
use super::ops::{intersect, subtract, union};
use crate::head::label_sets::LabelSets;
use crate::head::symbols::Symbols;

/// The series that match all matchers, ascending; all series when there is no matcher.
pub(crate) fn resolve(matchers: &[Matcher], postings: &MemPostings, sets: &LabelSets, symbols: &Symbols) -> Vec<u32> {
    let index = Index { postings, sets, symbols };
    let mut ordered: Vec<&Matcher> = matchers.iter().collect();
    ordered.sort_by_key(|matcher| index.cost(matcher));
    let mut found: Option<Vec<u32>> = None;
    for matcher in ordered {
        found = Some(match found {
            None if matcher.matches_empty() => index.take_away(sets.ids().collect(), matcher),
            None => index.choose(matcher),
            Some(found) if found.is_empty() => return found,
            Some(found) => index.narrow(found, matcher),
        });
    }
    found.unwrap_or_else(|| sets.ids().collect())
}

struct Index<'a> {
    postings: &'a MemPostings,
    sets: &'a LabelSets,
    symbols: &'a Symbols,
}

impl Index<'_> {
    /// Rank of a matcher: those that choose come before those that take away, and few series before many.
    fn cost(&self, matcher: &Matcher) -> (bool, bool, usize) {
        let label = self.label(matcher);
        let series = match (label, matcher.op()) {
            (None, _) => 0,
            (Some(label), MatchOp::Equal) => self.equal(label, matcher.value()).len(),
            (Some(label), _) => label.series(),
        };
        (matcher.matches_empty(), matcher.op() != MatchOp::Equal, series)
    }

    fn label(&self, matcher: &Matcher) -> Option<&LabelPostings> {
        self.symbols.find(matcher.name()).and_then(|name| self.postings.label(name))
    }

    fn equal<'b>(&self, label: &'b LabelPostings, value: &str) -> &'b [u32] {
        self.symbols.find(value).map_or(&[], |value| label.get(value))
    }

    /// The series that match a matcher which does not accept the empty value.
    fn choose(&self, matcher: &Matcher) -> Vec<u32> {
        let Some(label) = self.label(matcher) else { return Vec::new() };
        match (matcher.op(), matcher.regex().and_then(|regex| regex.literals())) {
            (MatchOp::Equal, _) => self.equal(label, matcher.value()).to_vec(),
            (MatchOp::Regex, Some(literals)) => union(literals.iter().map(|value| self.equal(label, value))),
            _ => self.values_where(label, |value| matcher.matches(value)),
        }
    }

    /// `found` without the series that a matcher which accepts the empty value refuses.
    fn take_away(&self, found: Vec<u32>, matcher: &Matcher) -> Vec<u32> {
        let Some(label) = self.label(matcher) else { return found };
        let refused = match (matcher.op(), matcher.regex().and_then(|regex| regex.literals())) {
            (MatchOp::NotEqual, _) => self.equal(label, matcher.value()).to_vec(),
            (MatchOp::NotRegex, Some(literals)) => union(literals.iter().map(|value| self.equal(label, value))),
            _ => self.values_where(label, |value| !matcher.matches(value)),
        };
        subtract(&found, &refused)
    }

    /// The series of `found` that match.
    fn narrow(&self, found: Vec<u32>, matcher: &Matcher) -> Vec<u32> {
        let Some(label) = self.label(matcher) else {
            return if matcher.matches_empty() { found } else { Vec::new() };
        };
        let by_lists = matches!(matcher.op(), MatchOp::Equal | MatchOp::NotEqual)
            || matcher.regex().is_some_and(|regex| regex.literals().is_some());
        // Looking at the few series that are left beats testing the many values that the label has.
        if !by_lists && found.len() < label.values() {
            return self.filter(found, matcher);
        }
        if matcher.matches_empty() { self.take_away(found, matcher) } else { intersect(&found, &self.choose(matcher)) }
    }

    fn filter(&self, mut found: Vec<u32>, matcher: &Matcher) -> Vec<u32> {
        let Some(name) = self.symbols.find(matcher.name()) else { return found };
        found.retain(|id| {
            let value = self.sets.value(*id, name).map_or("", |value| self.symbols.text(value));
            matcher.matches(value)
        });
        found
    }

    fn values_where(&self, label: &LabelPostings, mut accept: impl FnMut(&str) -> bool) -> Vec<u32> {
        union(label.iter().filter(|(value, _)| accept(self.symbols.text(*value))).map(|(_, list)| list))
    }
}

#[cfg(test)]
mod tests {
    use neocortex_model::labels::Labels;
    use proptest::prelude::*;

    use super::*;

    struct Fixture {
        labels: Vec<Labels>,
        postings: MemPostings,
        sets: LabelSets,
        symbols: Symbols,
    }

    fn fixture(labels: Vec<Labels>) -> Fixture {
        let (mut postings, mut sets, mut symbols) = (MemPostings::new(), LabelSets::new(), Symbols::new());
        let mut kept = Vec::new();
        for set in labels {
            if sets.find(&set, &symbols).is_none() {
                let id = sets.add(&set, &mut symbols);
                postings.add(id, sets.pairs(id));
                kept.push(set);
            }
        }
        Fixture { labels: kept, postings, sets, symbols }
    }

    fn label_set() -> impl Strategy<Value = Labels> {
        let value = prop_oneof![Just(""), Just("a"), Just("b"), Just("ab"), Just("1"), Just("2")];
        (value.clone(), value.clone(), value)
            .prop_map(|(x, y, z)| Labels::from_pairs([("__name__", "m"), ("x", x), ("y", y), ("z", z)]))
    }

    fn matcher() -> impl Strategy<Value = Matcher> {
        let name = prop_oneof![Just("x"), Just("y"), Just("z"), Just("__name__"), Just("missing")];
        let op =
            prop_oneof![Just(MatchOp::Equal), Just(MatchOp::NotEqual), Just(MatchOp::Regex), Just(MatchOp::NotRegex)];
        let value = prop_oneof![Just(""), Just("a"), Just("a|b"), Just("a.*"), Just(".*"), Just(".+"), Just("|1")];
        (name, op, value).prop_map(|(n, op, v)| Matcher::new(op, n, v).expect("a valid expression"))
    }

    proptest! {
        #[test]
        fn same_as_testing_every_series(
            labels in proptest::collection::vec(label_set(), 0..60),
            matchers in proptest::collection::vec(matcher(), 0..5),
        ) {
            let f = fixture(labels);
            let found = resolve(&matchers, &f.postings, &f.sets, &f.symbols);
            let expected: Vec<u32> = (0..f.labels.len() as u32)
                .filter(|id| {
                    let labels = &f.labels[*id as usize];
                    matchers.iter().all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
                })
                .collect();
            prop_assert_eq!(found, expected, "{:?}", matchers);
        }
    }
}
