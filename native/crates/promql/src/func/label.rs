//! `label_replace` and `label_join`: new labels from old ones.

use neocortex_model::labels::{LabelsBuilder, METRIC_NAME};
use neocortex_model::regex::AnchoredRegex;

use super::{Argument, Call};
use crate::eval::column::Column;
use crate::eval::error::EvalError;
use crate::eval::merge_equal;

/// `label_replace(v, dst, replacement, src, regex)`
pub(super) fn replace(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let mut columns = args.next().map(Argument::into_vector).unwrap_or_default();
    let target = args.next();
    let mut text = || args.next().map(Argument::into_string).unwrap_or_default();
    let (replacement, source, pattern) = (text(), text(), text());
    let regex = AnchoredRegex::new(&pattern)
        .map_err(|_| EvalError::execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
    let target = label_name(target, "invalid destination label name in label_replace()")?;
    let references = replacement.matches('$').count();
    let mut room = Room { bytes: call.max_label_bytes };
    for column in &mut columns {
        let value = column.labels.get(&source).unwrap_or("");
        room.take(column, replacement.len().saturating_add(references.saturating_mul(value.len())))?;
        if let Some(value) = regex.expand(value, &replacement) {
            set(column, &target, &value);
        }
    }
    merge_equal(columns)
}

/// `label_join(v, dst, separator, src…)`
pub(super) fn join(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let mut columns = args.next().map(Argument::into_vector).unwrap_or_default();
    let target = args.next();
    let separator = args.next().map(Argument::into_string).unwrap_or_default();
    let sources = args
        .map(|source| source.into_label_name("invalid source label name in label_join()"))
        .collect::<Result<Vec<_>, _>>()?;
    let target = label_name(target, "invalid destination label name in label_join()")?;
    let mut room = Room { bytes: call.max_label_bytes };
    for column in &mut columns {
        let values: Vec<&str> = sources.iter().map(|source| column.labels.get(source).unwrap_or("")).collect();
        let separators = separator.len().saturating_mul(values.len());
        room.take(column, values.iter().map(|value| value.len()).sum::<usize>().saturating_add(separators))?;
        let value = values.join(&separator);
        set(column, &target, &value);
    }
    merge_equal(columns)
}

/// Bytes left for new labels: a label may be made of others again and again, twice as long each time.
struct Room {
    bytes: u64,
}

impl Room {
    /// Takes the bytes of a column's labels with a new value, before it is made.
    ///
    /// # Errors
    /// [`EvalError::TooManySamples`]
    fn take(&mut self, column: &Column, value_bytes: usize) -> Result<(), EvalError> {
        let bytes = (column.labels.as_bytes().len() as u64).saturating_add(value_bytes as u64);
        self.bytes = self.bytes.checked_sub(bytes).ok_or(EvalError::TooManySamples)?;
        Ok(())
    }
}

/// The name in an argument.
fn label_name(arg: Option<Argument>, wrong: &str) -> Result<String, EvalError> {
    arg.unwrap_or(Argument::String(Vec::new())).into_label_name(wrong)
}

/// Sets a label; a new metric name is not dropped any more.
fn set(column: &mut Column, name: &str, value: &str) {
    let mut labels = LabelsBuilder::from_labels(&column.labels);
    labels.set(name, value);
    column.labels = labels.finish();
    if name == METRIC_NAME {
        column.drop_name = false;
    }
}

#[cfg(test)]
mod tests {
    use neocortex_model::labels::Labels;

    use super::*;
    use crate::eval::annotate::Notes;
    use crate::eval::column::absent;

    fn column(labels: &[(&str, &str)], floats: [f64; 2]) -> Column {
        let mut column = Column::new(Labels::from_pairs(labels.iter().copied()), 2);
        column.floats.copy_from_slice(&floats);
        column
    }

    fn run(
        f: fn(&Call<'_>, Vec<Argument>) -> Result<Vec<Column>, EvalError>,
        columns: Vec<Column>,
        texts: &[&str],
    ) -> Result<Vec<String>, String> {
        let call = Call {
            steps: &[0, 1],
            args: &[],
            notes: &Notes::new(),
            delayed_name_removal: false,
            newer_messages: false,
            max_label_bytes: 1 << 20,
        };
        let mut args = vec![Argument::Vector(columns)];
        args.extend(texts.iter().map(|text| Argument::String(text.as_bytes().to_vec())));
        let columns = f(&call, args).map_err(|e| e.to_string())?;
        Ok(columns.iter().map(|column| column.labels.to_string()).collect())
    }

    #[test]
    fn replaces_where_the_expression_matches() {
        let columns = || vec![column(&[("src", "a-1")], [1.0, 1.0]), column(&[("src", "b")], [1.0, 1.0])];
        let replaced = run(replace, columns(), &["dst", "x$2$1", "src", "(.*)-(.*)"]);
        assert_eq!(replaced.unwrap(), [r#"{dst="x1a", src="a-1"}"#, r#"{src="b"}"#]);
        assert_eq!(
            run(replace, columns(), &["dst", "", "src", "(.*"]).unwrap_err(),
            "invalid regular expression in label_replace(): (.*"
        );
    }

    #[test]
    fn names_of_labels_are_text() {
        let call = Call {
            steps: &[0],
            args: &[],
            notes: &Notes::new(),
            delayed_name_removal: false,
            newer_messages: false,
            max_label_bytes: 0,
        };
        let args = |texts: [&[u8]; 4]| {
            let texts = texts.map(|text| Argument::String(text.to_vec()));
            std::iter::once(Argument::Vector(Vec::new())).chain(texts).collect()
        };
        assert_eq!(
            replace(&call, args([b"\xff", b"", b"src", b".*"])).unwrap_err().to_string(),
            "invalid destination label name in label_replace(): \u{fffd}"
        );
        assert_eq!(
            join(&call, args([b"dst", b"-", b"a", b""])).unwrap_err().to_string(),
            "invalid source label name in label_join(): "
        );
    }

    #[test]
    fn series_that_become_the_same_are_joined() {
        let apart = vec![column(&[("a", "1")], [1.0, absent()]), column(&[("a", "2")], [absent(), 2.0])];
        assert_eq!(run(replace, apart, &["a", "", "a", ".*"]).unwrap(), ["{}"]);
        let both = vec![column(&[("a", "1")], [1.0, 1.0]), column(&[("a", "2")], [absent(), 2.0])];
        assert_eq!(
            run(replace, both, &["a", "", "a", ".*"]).unwrap_err(),
            "vector cannot contain metrics with the same labelset"
        );
    }

    #[test]
    fn joins_values() {
        let columns = vec![column(&[("a", "1"), ("c", "3")], [1.0, 1.0])];
        assert_eq!(run(join, columns, &["d", "-", "a", "b", "c"]).unwrap(), [r#"{a="1", c="3", d="1--3"}"#]);
    }
}
