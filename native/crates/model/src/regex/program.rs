//! From what an expression says to a program of the `regex` crate.

use regex_syntax::hir::{Capture, Class, Dot, Hir, Look as HirLook, Repetition};

use super::ast::{Look, Node};

/// The anchored expression in the syntax of the `regex` crate.
pub(super) fn source(node: &Node) -> String {
    let mut groups = 0;
    let inner = translate(node, &mut groups);
    Hir::concat(vec![Hir::look(HirLook::Start), inner, Hir::look(HirLook::End)]).to_string()
}

/// Compiles a source; `None` when the program would be larger than `max_bytes`.
pub(super) fn compile(source: &str, max_bytes: usize) -> Option<regex::Regex> {
    // Written anew, an expression has at most a few levels for each of its own.
    let nest_limit = super::MAX_NESTING as u32 * 4;
    regex::RegexBuilder::new(source).size_limit(max_bytes).nest_limit(nest_limit).build().ok()
}

/// The depth of the recursion is that of the node, which the parser limits.
fn translate(node: &Node, groups: &mut u32) -> Hir {
    match node {
        Node::Empty => Hir::empty(),
        Node::Literal(c) => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Node::Class(class) => Hir::class(Class::Unicode(class.clone())),
        Node::AnyChar => Hir::dot(Dot::AnyChar),
        Node::NotNewline => Hir::dot(Dot::AnyCharExceptLF),
        Node::Look(look) => Hir::look(match look {
            Look::TextStart => HirLook::Start,
            Look::TextEnd => HirLook::End,
            Look::LineStart => HirLook::StartLF,
            Look::LineEnd => HirLook::EndLF,
            Look::WordBoundary => HirLook::WordAscii,
            Look::NotWordBoundary => HirLook::WordAsciiNegate,
        }),
        Node::Group(inner) => {
            *groups += 1;
            let index = *groups;
            Hir::capture(Capture { index, name: None, sub: Box::new(translate(inner, groups)) })
        }
        Node::Repeat(repeat) => Hir::repetition(Repetition {
            min: repeat.min,
            max: repeat.max,
            greedy: repeat.greedy,
            sub: Box::new(translate(&repeat.node, groups)),
        }),
        Node::Concat(nodes) => Hir::concat(nodes.iter().map(|node| translate(node, groups)).collect()),
        Node::Alternation(nodes) => Hir::alternation(nodes.iter().map(|node| translate(node, groups)).collect()),
    }
}
