//! What a script expects of an evaluation.

use neocortex_model::labels::Labels;
use regex::Regex;

use super::series::SeriesValue;

/// A text that an error, a warning or an info must have.
#[derive(Clone, Debug)]
pub enum Text {
    /// Any text.
    Any,
    /// This very text.
    Exact(String),
    /// A text in which this expression is found.
    Matching(Regex),
}

impl Text {
    /// True when the text fits.
    pub fn fits(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact == text,
            Self::Matching(regex) => regex.is_match(text),
        }
    }
}

/// A series of the answer.
#[derive(Clone, Debug)]
pub struct ExpectedSeries {
    pub labels: Labels,
    pub values: Vec<SeriesValue>,
    /// Its place in an ordered answer, from 1.
    pub place: usize,
}

/// All that is expected of one evaluation.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    pub ordered: bool,
    /// The evaluation fails, with these texts.
    pub fail: Vec<Text>,
    /// There is a warning (`eval_warn`).
    pub some_warning: bool,
    /// There is an info (`eval_info`).
    pub some_info: bool,
    /// Each warning fits one of these, and each of these fits a warning.
    pub warnings: Vec<Text>,
    pub infos: Vec<Text>,
    pub no_warning: bool,
    pub no_info: bool,
    pub scalar: Option<f64>,
    pub string: Option<String>,
    pub series: Vec<ExpectedSeries>,
    /// Start, end and step of the range vector that an instant query yields.
    pub range_vector: Option<(i64, i64, i64)>,
}

impl Expectation {
    /// The series with these labels.
    pub fn series_of(&self, labels: &Labels) -> Option<&ExpectedSeries> {
        self.series.iter().find(|series| series.labels == *labels)
    }

    /// Reads `fail msg: …` and its like, behind the word `expect`.
    pub fn read(&mut self, line: &str) -> Result<(), String> {
        let (kind, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let text = if rest.is_empty() {
            Text::Any
        } else if let Some(text) = rest.strip_prefix("msg:") {
            Text::Exact(text.trim().to_owned())
        } else if let Some(pattern) = rest.strip_prefix("regex:") {
            Text::Matching(Regex::new(pattern.trim()).map_err(|e| e.to_string())?)
        } else {
            return Err(format!("expect {line}: neither msg nor regex"));
        };
        match kind {
            "ordered" => self.ordered = true,
            "fail" => self.fail.push(text),
            "warn" => self.warnings.push(text),
            "info" => self.infos.push(text),
            "no_warn" => self.no_warning = true,
            "no_info" => self.no_info = true,
            _ => return Err(format!("expect {kind}: unknown")),
        }
        let contradicts = (self.no_warning && !self.warnings.is_empty()) || (self.no_info && !self.infos.is_empty());
        if contradicts || self.fail.len() > 1 {
            return Err(format!("expect {line}: contradicts a line above"));
        }
        Ok(())
    }
}
