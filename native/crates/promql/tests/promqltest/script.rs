//! Scripts: `load`, `eval` and `clear`, a command a paragraph.

use std::sync::LazyLock;

use neocortex_model::float::unquote;
use neocortex_model::labels::Labels;
use neocortex_model::time::parse_duration;
use regex::Regex;

use super::expect::{Expectation, ExpectedSeries, Text};
use super::series::{SeriesValue, parse_series, split_metric};

/// A command and the line that it begins in, from 1.
pub struct Command {
    pub line: usize,
    pub action: Action,
}

/// What a command does.
pub enum Action {
    Clear,
    Load(Load),
    Eval(Box<Eval>),
    /// A command that could not be read; an `eval` among them counts as failed.
    Unreadable {
        is_eval: bool,
        error: String,
    },
}

/// `load`
#[derive(Default)]
pub struct Load {
    pub step_ms: i64,
    /// Classic histograms are loaded as native histograms with custom buckets, too.
    pub with_nhcb: bool,
    pub series: Vec<LoadedSeries>,
}

/// A series of a `load`.
pub struct LoadedSeries {
    pub labels: Labels,
    pub values: Vec<SeriesValue>,
    /// Start timestamps relative to the samples, in milliseconds.
    pub starts: Vec<Option<i64>>,
}

/// When an expression is evaluated, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

/// `eval`
pub struct Eval {
    pub expr: String,
    pub times: Times,
    pub expected: Expectation,
}

static LOAD: LazyLock<Regex> = LazyLock::new(|| expression(r"^load(?:_(with_nhcb))?\s+(.+?)$"));
static INSTANT: LazyLock<Regex> =
    LazyLock::new(|| expression(r"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$"));
static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    expression(r"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$")
});
static RANGE_VECTOR: LazyLock<Regex> =
    LazyLock::new(|| expression(r"^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$"));
static START_ITEM: LazyLock<Regex> =
    LazyLock::new(|| expression(r"^([+-]?\d+[a-wyz]*)(?:([+-])(\d+[a-wyz]*))?(?:x(\d+))?$"));

fn expression(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid expression")
}

/// Reads a script.
pub fn parse(text: &str) -> Vec<Command> {
    let lines: Vec<&str> =
        text.lines().map(str::trim).map(|line| if line.starts_with('#') { "" } else { line }).collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = at + 1;
        let word = lines[at].split_whitespace().next().unwrap_or("").to_lowercase();
        let length = lines[at..].iter().take_while(|line| !line.is_empty()).count();
        let (head, body) = (lines[at], &lines[(at + 1).min(lines.len())..at + length.max(1)]);
        if word.is_empty() {
            at += 1;
            continue;
        }
        let is_eval = word.starts_with("eval");
        let (action, used) = if word == "clear" {
            (Ok(Action::Clear), 0)
        } else if word.starts_with("load") {
            (parse_load(head, body).map(Action::Load), body.len())
        } else if is_eval {
            let mut used = 0;
            let eval = parse_eval(head, body, &mut used);
            let used = if eval.is_err() { next_command(body) } else { used };
            (eval.map(|eval| Action::Eval(Box::new(eval))), used)
        } else {
            (Err(format!("unknown command {word}")), 0)
        };
        let action = action.unwrap_or_else(|error| Action::Unreadable { is_eval, error });
        commands.push(Command { line, action });
        at += 1 + used;
    }
    commands
}

/// Lines before the next line that looks like a command.
fn next_command(body: &[&str]) -> usize {
    let is_command = |line: &&str| ["eval", "load", "clear"].iter().any(|word| line.starts_with(word));
    body.iter().position(is_command).unwrap_or(body.len())
}

fn duration(text: &str) -> Result<i64, String> {
    parse_duration(text.trim()).map_err(|e| format!("{text}: {e}"))
}

fn parse_load(head: &str, body: &[&str]) -> Result<Load, String> {
    let parts = LOAD.captures(head).ok_or("not a load command")?;
    let mut load = Load { step_ms: duration(&parts[2])?, with_nhcb: parts.get(1).is_some(), series: Vec::new() };
    let mut starts: Option<(Labels, Vec<Option<i64>>)> = None;
    for line in body {
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if let Some(metric) = first.strip_suffix("@st") {
            starts = Some((split_metric(metric)?.0, parse_starts(rest)?));
            continue;
        }
        let (labels, values) = parse_series(line)?;
        let starts = match starts.take() {
            Some((of, starts)) if of == labels && starts.len() == values.len() => starts,
            Some(_) => return Err(format!("{line}: does not fit the start timestamps above")),
            None => Vec::new(),
        };
        // Of a repeated series the last counts.
        load.series.retain(|series| series.labels != labels);
        load.series.push(LoadedSeries { labels, values, starts });
    }
    Ok(load)
}

/// `_ _x2 -1m -1mx2 -1m-30sx2`
fn parse_starts(text: &str) -> Result<Vec<Option<i64>>, String> {
    let mut starts = Vec::new();
    let count = |text: &str| text.parse::<usize>().map_err(|e| format!("{text}: {e}"));
    for item in text.split_whitespace() {
        if let Some(rest) = item.strip_prefix('_') {
            let n = rest.strip_prefix('x').map_or(Ok(1), count)?;
            starts.extend(std::iter::repeat_n(None, n));
            continue;
        }
        let parts = START_ITEM.captures(item).ok_or_else(|| format!("{item}: not a start timestamp"))?;
        let mut start = signed_duration(&parts[1])?;
        let step = match parts.get(3) {
            Some(step) if &parts[2] == "-" => -duration(step.as_str())?,
            Some(step) => duration(step.as_str())?,
            None => 0,
        };
        for _ in 0..=parts.get(4).map_or(Ok(0), |n| count(n.as_str()))? {
            starts.push(Some(start));
            start += step;
        }
    }
    Ok(starts)
}

fn signed_duration(text: &str) -> Result<i64, String> {
    match text.strip_prefix('-') {
        Some(text) => duration(text).map(|ms| -ms),
        None => duration(text.trim_start_matches('+')),
    }
}

/// Reads an `eval` and the lines that belong to it; `used` counts these.
fn parse_eval(head: &str, body: &[&str], used: &mut usize) -> Result<Eval, String> {
    let instant = INSTANT.captures(head);
    let (parts, times, expr) = if let Some(parts) = instant {
        let at = parts.get(2).ok_or("no time")?.as_str();
        let times = Times::Instant(duration(at)?);
        let expr = parts[3].to_owned();
        (parts, times, expr)
    } else {
        let parts = RANGE.captures(head).ok_or("neither an instant nor a range")?;
        let times = Times::Range { start: duration(&parts[2])?, end: duration(&parts[3])?, step: duration(&parts[4])? };
        let expr = parts[5].to_owned();
        (parts, times, expr)
    };
    let mut eval = Eval { expr, times, expected: Expectation::default() };
    let expected = &mut eval.expected;
    match parts.get(1).map(|word| word.as_str()) {
        Some("ordered") => expected.ordered = true,
        Some("fail") => expected.fail.push(Text::Any),
        Some("warn") => expected.some_warning = true,
        Some("info") => expected.some_info = true,
        _ => {}
    }
    let fails = !expected.fail.is_empty();
    let mut place = 0;
    for line in body {
        *used += 1;
        place += 1;
        if let Some(text) = line.strip_prefix("expected_fail_message").filter(|_| fails) {
            expected.fail = vec![Text::Exact(text.trim().to_owned())];
            break;
        }
        if let Some(pattern) = line.strip_prefix("expected_fail_regexp").filter(|_| fails) {
            expected.fail = vec![Text::Matching(Regex::new(pattern.trim()).map_err(|e| e.to_string())?)];
            break;
        }
        if line.starts_with("expect range vector") {
            let parts = RANGE_VECTOR.captures(line).ok_or("not a range vector")?;
            expected.range_vector = Some((duration(&parts[1])?, duration(&parts[2])?, duration(&parts[3])?));
        } else if let Some(text) = line.strip_prefix("expect string ") {
            expected.string = Some(unquote(text).map_err(|_| format!("{text}: not a string"))?);
        } else if let Some(rest) = line.strip_prefix("expect ") {
            expected.read(rest.trim())?;
            place -= 1;
        } else if let Ok(number) = neocortex_model::float::parse_number(line) {
            expected.scalar = Some(number);
            break;
        } else {
            let (labels, values) = parse_series(line)?;
            let single = matches!(eval.times, Times::Instant(_)) && expected.range_vector.is_none();
            if single && values.len() > 1 {
                return Err(format!("{line}: more than one value in an instant evaluation"));
            }
            expected.series.retain(|series| series.labels != labels);
            expected.series.push(ExpectedSeries { labels, values, place });
        }
    }
    Ok(eval)
}
