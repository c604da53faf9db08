//! What an expression says.

use regex_syntax::hir::ClassUnicode;

/// A piece of an expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// The empty text.
    Empty,
    /// One character.
    Literal(char),
    /// One character of a set, which may be empty.
    Class(ClassUnicode),
    /// Any character.
    AnyChar,
    /// Any character but a newline.
    NotNewline,
    /// A place.
    Look(Look),
    /// A group that is remembered.
    Group(Box<Node>),
    /// A repetition.
    Repeat(Repeat),
    /// One after the other.
    Concat(Vec<Node>),
    /// The first that matches.
    Alternation(Vec<Node>),
}

/// A repetition of a piece.
#[derive(Clone, Debug)]
pub(super) struct Repeat {
    pub(super) node: Box<Node>,
    pub(super) min: u32,
    /// `None` for without end.
    pub(super) max: Option<u32>,
    pub(super) greedy: bool,
    /// Written with braces; Go limits how often those may be nested.
    pub(super) counted: bool,
}

/// A condition on a place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NotWordBoundary,
}

/// A parsed expression.
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    pub(super) node: Node,
    /// Names of the groups from the first on; empty for those without.
    pub(super) group_names: Vec<String>,
}
