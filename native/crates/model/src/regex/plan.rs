//! How to match without running a program, where the expression allows it.

use std::collections::HashSet;

use memchr::memmem;

use super::ast::{Look, Node};
use super::class;

/// The most texts that an expression is turned into when it lists them.
const MAX_LISTED: usize = 16_384;
/// The most texts that combinations of lists and classes are turned into.
const MAX_COMBINED: usize = 256;
/// The most alternatives of literals and `.*` that are tried one by one.
const MAX_GLOBS: usize = 16;

/// How an expression is matched.
#[derive(Debug)]
pub(super) enum Plan {
    /// The texts that match.
    Literals { sorted: Vec<String>, set: HashSet<String> },
    /// Literals with anything between them; any of these.
    Globs { globs: Vec<Glob>, prefix: String },
    /// A program is needed, but only for texts with this prefix.
    Program { prefix: String },
}

impl Plan {
    pub(super) fn of(node: &Node) -> Self {
        if let Some(mut sorted) = listed(node) {
            sorted.sort_unstable();
            sorted.dedup();
            return Self::Literals { set: sorted.iter().cloned().collect(), sorted };
        }
        let branches = match node {
            Node::Alternation(nodes) => nodes.as_slice(),
            node => std::slice::from_ref(node),
        };
        let globs: Option<Vec<Glob>> =
            if branches.len() <= MAX_GLOBS { branches.iter().map(Glob::of).collect() } else { None };
        match globs {
            Some(globs) => {
                let prefix = globs.iter().map(|glob| glob.start.as_str()).reduce(common_prefix);
                Self::Globs { prefix: prefix.unwrap_or_default().to_owned(), globs }
            }
            None => Self::Program { prefix: literal_prefix(node) },
        }
    }

    /// Whether a text matches, or `None` when the program has to say.
    pub(super) fn decide(&self, text: &str) -> Option<bool> {
        match self {
            Self::Literals { sorted, .. } if sorted.len() <= 4 => Some(sorted.iter().any(|literal| literal == text)),
            Self::Literals { set, .. } => Some(set.contains(text)),
            Self::Globs { globs, .. } => Some(globs.iter().any(|glob| glob.is_match(text))),
            Self::Program { prefix } if !text.starts_with(prefix.as_str()) => Some(false),
            Self::Program { .. } => None,
        }
    }

    pub(super) fn literals(&self) -> Option<&[String]> {
        match self {
            Self::Literals { sorted, .. } => Some(sorted),
            _ => None,
        }
    }

    pub(super) fn prefix(&self) -> &str {
        match self {
            // Of sorted texts, the first and the last differ the earliest.
            Self::Literals { sorted, .. } => match (sorted.first(), sorted.last()) {
                (Some(first), Some(last)) => common_prefix(first, last),
                _ => "",
            },
            Self::Globs { prefix, .. } | Self::Program { prefix } => prefix,
        }
    }
}

fn common_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let end = a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
    &a[..end.unwrap_or(a.len().min(b.len()))]
}

/// All texts that match, if they are few.
fn listed(node: &Node) -> Option<Vec<String>> {
    match node {
        Node::Empty => Some(vec![String::new()]),
        Node::Literal(c) => Some(vec![c.to_string()]),
        Node::Class(class) if class::size(class) <= MAX_COMBINED => {
            Some(class::chars(class).map(|c| c.to_string()).collect())
        }
        Node::Group(node) => listed(node),
        Node::Concat(nodes) => {
            let mut all = vec![String::new()];
            for node in nodes {
                if let Node::Literal(c) = node {
                    all.iter_mut().for_each(|text| text.push(*c));
                    continue;
                }
                let next = listed(node)?;
                if all.len() * next.len() > MAX_COMBINED && all.len() > 1 && next.len() > 1 {
                    return None;
                }
                all = all.iter().flat_map(|text| next.iter().map(move |more| format!("{text}{more}"))).collect();
            }
            Some(all)
        }
        Node::Alternation(nodes) => {
            let mut all = Vec::new();
            for node in nodes {
                all.extend(listed(node)?);
                if all.len() > MAX_LISTED {
                    return None;
                }
            }
            Some(all)
        }
        Node::Repeat(repeat) if (repeat.min, repeat.max) == (0, Some(1)) => {
            let mut all = listed(&repeat.node)?;
            all.push(String::new());
            Some(all)
        }
        _ => None,
    }
}

/// What every match starts with.
fn literal_prefix(node: &Node) -> String {
    let mut prefix = String::new();
    push_prefix(node, &mut prefix);
    prefix
}

/// Appends what the matches of a node start with; true when they are nothing but that.
fn push_prefix(node: &Node, prefix: &mut String) -> bool {
    match node {
        Node::Empty | Node::Look(Look::TextStart) => true,
        Node::Literal(c) => {
            prefix.push(*c);
            true
        }
        Node::Group(node) => push_prefix(node, prefix),
        Node::Concat(nodes) => nodes.iter().all(|node| push_prefix(node, prefix)),
        Node::Alternation(nodes) => {
            let all: Vec<String> = nodes.iter().map(literal_prefix).collect();
            prefix.push_str(all.iter().map(String::as_str).reduce(common_prefix).unwrap_or_default());
            false
        }
        _ => false,
    }
}

/// Literals with gaps between them, such as `a.*b.+`.
#[derive(Debug)]
pub(super) struct Glob {
    /// What the text starts with.
    start: String,
    /// Gaps, each with what must come after it somewhere; the last must be at the end of the text.
    gaps: Vec<Gap>,
}

#[derive(Debug)]
struct Gap {
    /// Whether the gap has at least one character.
    not_empty: bool,
    literal: memmem::Finder<'static>,
}

impl Glob {
    fn of(node: &Node) -> Option<Self> {
        let mut pieces = Vec::new();
        flatten(node, &mut pieces)?;
        let mut literals = vec![String::new()];
        let mut gaps: Vec<bool> = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Char(c) => literals.last_mut()?.push(c),
                Piece::Gap { not_empty } => match (gaps.last_mut(), literals.last()) {
                    // `.*.+` is `.+`, but `.+.+` needs two characters.
                    (Some(last), Some(literal)) if literal.is_empty() => {
                        if *last && not_empty {
                            return None;
                        }
                        *last |= not_empty;
                    }
                    _ => {
                        gaps.push(not_empty);
                        literals.push(String::new());
                    }
                },
            }
        }
        let mut literals = literals.into_iter();
        let start = literals.next()?;
        let gaps = gaps
            .into_iter()
            .zip(literals)
            .map(|(not_empty, literal)| Gap { not_empty, literal: memmem::Finder::new(&literal).into_owned() })
            .collect();
        Some(Self { start, gaps })
    }

    /// Takes each literal as early as possible, which leaves the most for those that follow.
    fn is_match(&self, text: &str) -> bool {
        let Some(mut rest) = text.strip_prefix(self.start.as_str()) else { return false };
        let Some((last, between)) = self.gaps.split_last() else { return rest.is_empty() };
        for gap in between {
            let Some(after) = gap.skip(rest) else { return false };
            let Some(at) = gap.literal.find(after.as_bytes()) else { return false };
            rest = &after[at + gap.literal.needle().len()..];
        }
        last.skip(rest).is_some_and(|after| after.as_bytes().ends_with(last.literal.needle()))
    }
}

impl Gap {
    /// What is left after the characters that the gap must have.
    fn skip<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut chars = text.chars();
        if self.not_empty {
            chars.next()?;
        }
        Some(chars.as_str())
    }
}

enum Piece {
    Char(char),
    Gap { not_empty: bool },
}

fn flatten(node: &Node, out: &mut Vec<Piece>) -> Option<()> {
    match node {
        Node::Empty => {}
        Node::Literal(c) => out.push(Piece::Char(*c)),
        Node::Group(node) => flatten(node, out)?,
        Node::Concat(nodes) => {
            for node in nodes {
                flatten(node, out)?;
            }
        }
        Node::Repeat(repeat) if repeat.max.is_none() && repeat.min <= 1 && matches!(*repeat.node, Node::AnyChar) => {
            out.push(Piece::Gap { not_empty: repeat.min == 1 });
        }
        _ => return None,
    }
    Some(())
}
