//! From matchers to the series of an index that match them all.
//!
//! Source: Prometheus `tsdb/querier.go`, `PostingsForMatchers`; the head does the same on its own structures.

use neocortex_model::matchers::{MatchOp, Matcher};

use super::SeriesRef;
use super::read::IndexReader;
use crate::error::TsdbError;
use crate::postings::ops::{intersect, subtract, union};

/// The series that match all matchers, ascending; all series when there is no matcher.
///
/// # Errors
/// [`TsdbError::Corrupt`]
pub fn resolve(matchers: &[Matcher], index: &IndexReader) -> Result<Vec<SeriesRef>, TsdbError> {
    let mut ordered: Vec<&Matcher> = matchers.iter().collect();
    // Those that choose come before those that take away, single values before many.
    ordered.sort_by_key(|matcher| (matcher.matches_empty(), matcher.op() != MatchOp::Equal));
    let mut found: Option<Vec<SeriesRef>> = None;
    for matcher in ordered {
        found = Some(match found {
            Some(found) if found.is_empty() => return Ok(found),
            found if matcher.matches_empty() => {
                let found = found.map_or_else(|| index.all_postings(), Ok)?;
                subtract(&found, &with_value(index, matcher, false)?)
            }
            None => with_value(index, matcher, true)?,
            Some(found) => intersect(&found, &with_value(index, matcher, true)?),
        });
    }
    found.map_or_else(|| index.all_postings(), Ok)
}

/// The series that have the label with a value which the matcher accepts, or which it refuses.
fn with_value(index: &IndexReader, matcher: &Matcher, accepted: bool) -> Result<Vec<SeriesRef>, TsdbError> {
    let name = matcher.name();
    let literals = matcher.regex().and_then(|regex| regex.literals());
    let listed = match (matcher.op(), accepted, literals) {
        (MatchOp::Equal, true, _) | (MatchOp::NotEqual, false, _) => return index.postings(name, matcher.value()),
        (MatchOp::Regex, true, Some(literals)) | (MatchOp::NotRegex, false, Some(literals)) => {
            literals.iter().map(|value| index.postings(name, value)).collect::<Result<Vec<_>, _>>()?
        }
        _ => {
            let mut places = Vec::new();
            index.for_each_value(name, |value, list| {
                if matcher.matches(value) == accepted {
                    places.push(list);
                }
            })?;
            places.into_iter().map(|list| index.list_at(list)).collect::<Result<Vec<_>, _>>()?
        }
    };
    Ok(union(listed.iter().map(Vec::as_slice)))
}
