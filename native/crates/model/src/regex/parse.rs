//! The parser: Go's `regexp/syntax` with the flags `Perl` and `DotNL`.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::ast::{Look, Node, Parsed, Repeat};
use super::{MAX_NESTING, RegexError, class};

/// The most that `{n,m}` may repeat, nested ones multiplied.
const MAX_REPEAT: u32 = 1000;

/// Parses an expression.
pub(super) fn parse(pattern: &str) -> Result<Parsed, RegexError> {
    let mut parser = Parser { pattern, rest: pattern, flags: Flags::default(), group_names: Vec::new(), depth: 0 };
    let node = parser.alternation()?.node;
    if parser.rest.is_empty() {
        Ok(Parsed { node, group_names: parser.group_names })
    } else {
        // Only a closing parenthesis ends an alternation early.
        Err(RegexError::new("unexpected )", pattern))
    }
}

#[derive(Clone, Copy)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_newline: bool,
    lazy: bool,
}

impl Default for Flags {
    fn default() -> Self {
        Self { fold_case: false, multi_line: false, dot_newline: true, lazy: false }
    }
}

/// A piece and how many levels it has.
struct Item {
    node: Node,
    height: usize,
}

impl Item {
    fn leaf(node: Node) -> Self {
        Self { node, height: 1 }
    }
}

struct Parser<'p> {
    pattern: &'p str,
    rest: &'p str,
    flags: Flags,
    group_names: Vec<String>,
    depth: usize,
}

/// What stands before another text that it ends with.
fn until<'p>(from: &'p str, rest: &str) -> &'p str {
    &from[..from.len() - rest.len()]
}

impl<'p> Parser<'p> {
    fn too_deep(&self) -> RegexError {
        RegexError::new("expression nests too deeply", self.pattern)
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take_char(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// Everything up to the end or a closing parenthesis.
    fn alternation(&mut self) -> Result<Item, RegexError> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(self.too_deep());
        }
        let mut branches = vec![self.concatenation()?];
        while self.eat("|") {
            branches.push(self.concatenation()?);
        }
        self.depth -= 1;
        Ok(match branches.pop() {
            Some(only) if branches.is_empty() => only,
            last => {
                branches.extend(last);
                let height = branches.iter().map(|item| item.height).max().unwrap_or(0) + 1;
                Item { node: Node::Alternation(branches.into_iter().map(|item| item.node).collect()), height }
            }
        })
    }

    fn concatenation(&mut self) -> Result<Item, RegexError> {
        let mut items: Vec<Item> = Vec::new();
        // The text from the repetition on that came just before.
        let mut last_repeat: Option<&str> = None;
        while let Some(c) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeat = None;
            match c {
                '|' | ')' => break,
                '(' => {
                    if let Some(item) = self.group()? {
                        items.push(item);
                    }
                }
                '*' | '+' | '?' | '{' => match self.repetition(c)? {
                    Some((min, max)) => {
                        self.repeat(&mut items, min, max, before, last_repeat)?;
                        repeat = Some(before);
                    }
                    None => {
                        self.rest = &before[1..];
                        items.push(Item::leaf(Node::Literal('{')));
                    }
                },
                '[' => items.push(Item::leaf(self.class()?)),
                '\\' => self.escaped(&mut items)?,
                _ => {
                    self.take_char();
                    items.push(Item::leaf(match c {
                        '^' if self.flags.multi_line => Node::Look(Look::LineStart),
                        '^' => Node::Look(Look::TextStart),
                        '$' if self.flags.multi_line => Node::Look(Look::LineEnd),
                        '$' => Node::Look(Look::TextEnd),
                        '.' if self.flags.dot_newline => Node::AnyChar,
                        '.' => Node::NotNewline,
                        c => self.literal(c),
                    }));
                }
            }
            last_repeat = repeat;
        }
        Ok(match items.pop() {
            None => Item::leaf(Node::Empty),
            Some(only) if items.is_empty() => only,
            last => {
                items.extend(last);
                let height = items.iter().map(|item| item.height).max().unwrap_or(0) + 1;
                Item { node: Node::Concat(items.into_iter().map(|item| item.node).collect()), height }
            }
        })
    }

    fn literal(&self, c: char) -> Node {
        if !self.flags.fold_case {
            return Node::Literal(c);
        }
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        class::fold(&mut class);
        if class::size(&class) == 1 { Node::Literal(c) } else { Node::Class(class) }
    }

    /// A group, or `None` for a change of flags.
    fn group(&mut self) -> Result<Option<Item>, RegexError> {
        let outer = self.flags;
        let mut captures = true;
        if self.rest.starts_with("(?") {
            let opens = self.group_start()?;
            match opens {
                GroupStart::Named => {}
                GroupStart::Plain => captures = false,
                GroupStart::OnlyFlags => return Ok(None),
            }
        } else {
            self.rest = &self.rest[1..];
            self.group_names.push(String::new());
        }
        let inner = self.alternation()?;
        if !self.eat(")") {
            return Err(RegexError::new("missing closing )", self.pattern));
        }
        self.flags = outer;
        let item = Item {
            height: inner.height + 1,
            node: if captures { Node::Group(Box::new(inner.node)) } else { inner.node },
        };
        self.check_height(item).map(Some)
    }

    fn check_height(&self, item: Item) -> Result<Item, RegexError> {
        if item.height > MAX_NESTING { Err(self.too_deep()) } else { Ok(item) }
    }

    /// What follows `(?`: a name, or flags.
    fn group_start(&mut self) -> Result<GroupStart, RegexError> {
        let start = self.rest;
        let name_at = match start.as_bytes() {
            [_, _, b'P', b'<', _, ..] => 4,
            [_, _, b'<', _, ..] => 3,
            _ => return self.flags_start(),
        };
        let Some(end) = start.find('>') else { return Err(RegexError::new("invalid named capture", start)) };
        // The sign may stand before the name begins, as in `(?<>`.
        let name = start.get(name_at..end).unwrap_or_default();
        if name.is_empty() || !name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
            return Err(RegexError::new("invalid named capture", &start[..=end]));
        }
        self.group_names.push(name.to_owned());
        self.rest = &start[end + 1..];
        Ok(GroupStart::Named)
    }

    fn flags_start(&mut self) -> Result<GroupStart, RegexError> {
        let start = self.rest;
        self.rest = &start[2..];
        let mut flags = self.flags;
        let (mut on, mut saw_flag) = (true, false);
        while let Some(c) = self.take_char() {
            match c {
                'i' => flags.fold_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.lazy = on,
                '-' if on => {
                    on = false;
                    saw_flag = false;
                    continue;
                }
                ':' | ')' if on || saw_flag => {
                    self.flags = flags;
                    return Ok(if c == ':' { GroupStart::Plain } else { GroupStart::OnlyFlags });
                }
                _ => break,
            }
            saw_flag = true;
        }
        Err(RegexError::new("invalid or unsupported Perl syntax", until(start, self.rest)))
    }

    /// Reads an operator of repetition; `None` when a brace is only a brace.
    fn repetition(&mut self, c: char) -> Result<Option<(u32, Option<u32>)>, RegexError> {
        if c != '{' {
            self.take_char();
            return Ok(Some(match c {
                '*' => (0, None),
                '+' => (1, None),
                _ => (0, Some(1)),
            }));
        }
        let start = self.rest;
        self.rest = &start[1..];
        let Some(min) = self.count() else { return Ok(None) };
        let mut max = Some(min);
        if self.eat(",") {
            max = None;
            if !self.rest.starts_with('}') {
                max = match self.count() {
                    None => return Ok(None),
                    found => found,
                };
            }
        }
        if !self.eat("}") {
            return Ok(None);
        }
        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
            return Err(RegexError::new("invalid repeat count", until(start, self.rest)));
        }
        Ok(Some((min, max)))
    }

    /// A number without leading zeros; very large ones become more than is allowed.
    fn count(&mut self) -> Option<u32> {
        let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = self.rest.split_at(digits);
        if number.is_empty() || (number.len() > 1 && number.starts_with('0')) {
            return None;
        }
        self.rest = rest;
        Some(if number.len() >= 8 { MAX_REPEAT + 1 } else { number.parse().unwrap_or(MAX_REPEAT + 1) })
    }

    /// Repeats the last piece. `before` is the text from the operator on.
    fn repeat(
        &mut self,
        items: &mut [Item],
        min: u32,
        max: Option<u32>,
        before: &str,
        last_repeat: Option<&str>,
    ) -> Result<(), RegexError> {
        let lazy = self.eat("?");
        if let Some(last_repeat) = last_repeat {
            return Err(RegexError::new("invalid nested repetition operator", until(last_repeat, self.rest)));
        }
        let operator = until(before, self.rest);
        let Some(item) = items.last_mut() else {
            return Err(RegexError::new("missing argument to repetition operator", operator));
        };
        let counted = before.starts_with('{');
        let node = Box::new(std::mem::replace(&mut item.node, Node::Empty));
        let repeat = Node::Repeat(Repeat { node, min, max, greedy: lazy == self.flags.lazy, counted });
        if counted && (min >= 2 || max.is_some_and(|max| max >= 2)) && !repeats_at_most(&repeat, MAX_REPEAT) {
            return Err(RegexError::new("invalid repeat count", operator));
        }
        item.node = repeat;
        item.height += 1;
        if item.height > MAX_NESTING { Err(self.too_deep()) } else { Ok(()) }
    }

    /// What a backslash begins, outside of a class.
    fn escaped(&mut self, items: &mut Vec<Item>) -> Result<(), RegexError> {
        let start = self.rest;
        let node = match start.as_bytes().get(1) {
            Some(b'A') => Node::Look(Look::TextStart),
            Some(b'b') => Node::Look(Look::WordBoundary),
            Some(b'B') => Node::Look(Look::NotWordBoundary),
            Some(b'z') => Node::Look(Look::TextEnd),
            Some(b'C') => return Err(RegexError::new("invalid escape sequence", &start[..2])),
            Some(b'Q') => {
                let quoted = &start[2..];
                let (text, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                items.extend(text.chars().map(|c| Item::leaf(self.literal(c))));
                self.rest = rest;
                return Ok(());
            }
            _ => {
                let node = match self.named_class()? {
                    Some(class) => Node::Class(class),
                    None => self.escape()?.map_or(Node::Class(ClassUnicode::empty()), |c| self.literal(c)),
                };
                items.push(Item::leaf(node));
                return Ok(());
            }
        };
        self.rest = &start[2..];
        items.push(Item::leaf(node));
        Ok(())
    }

    /// `\pN`, `\p{Greek}`, `\d` and their like, if one of them comes next.
    fn named_class(&mut self) -> Result<Option<ClassUnicode>, RegexError> {
        let start = self.rest;
        let mut letters = start.chars().skip(1);
        let (true, Some(letter)) = (start.starts_with('\\'), letters.next()) else { return Ok(None) };
        let mut negated = letter.is_ascii_uppercase();
        let mut class = if matches!(letter, 'p' | 'P') {
            let name = match letters.next() {
                Some('{') => {
                    let end = start.find('}').ok_or_else(|| RegexError::new(INVALID_RANGE, start))?;
                    self.rest = &start[end + 1..];
                    &start[3..end]
                }
                Some(c) => {
                    self.rest = &start[2 + c.len_utf8()..];
                    &start[2..2 + c.len_utf8()]
                }
                // A name that is missing.
                None => {
                    self.rest = "";
                    ""
                }
            };
            let without = name.strip_prefix('^');
            negated ^= without.is_some();
            class::unicode(without.unwrap_or(name))
                .ok_or_else(|| RegexError::new(INVALID_RANGE, until(start, self.rest)))?
        } else {
            let Some(class) = class::perl(letter.to_ascii_lowercase()) else { return Ok(None) };
            self.rest = &start[2..];
            class
        };
        if self.flags.fold_case {
            class::fold(&mut class);
        }
        if negated {
            class.negate();
        }
        Ok(Some(class))
    }

    /// One escaped character; `None` for a surrogate, which no text has.
    fn escape(&mut self) -> Result<Option<char>, RegexError> {
        let start = self.rest;
        self.rest = &start[1..];
        let Some(c) = self.take_char() else {
            return Err(RegexError::new("trailing backslash at end of expression", ""));
        };
        let code = match c {
            '1'..='7' if !self.rest.starts_with(|c| matches!(c, '0'..='7')) => None,
            '0'..='7' => {
                let mut code = c as u32 - '0' as u32;
                for _ in 1..3 {
                    let Some(digit) = self.rest.chars().next().filter(|c| matches!(c, '0'..='7')) else { break };
                    code = code * 8 + (digit as u32 - '0' as u32);
                    self.rest = &self.rest[1..];
                }
                Some(code)
            }
            'x' => self.hexadecimal(),
            'a' => Some(7),
            'f' => Some(0xc),
            'n' => Some(0xa),
            'r' => Some(0xd),
            't' => Some(9),
            'v' => Some(0xb),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c as u32),
            _ => None,
        };
        match code {
            Some(code) => Ok(char::from_u32(code)),
            None => Err(RegexError::new("invalid escape sequence", until(start, self.rest))),
        }
    }

    /// Two hexadecimal digits, or any number of them in braces.
    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.take_char()?;
        if first != '{' {
            // Both are read before either is judged.
            let second = self.take_char();
            return Some(first.to_digit(16)? * 16 + second?.to_digit(16)?);
        }
        let mut code = None;
        loop {
            match self.take_char()? {
                '}' => return code,
                c => {
                    let next = code.unwrap_or(0) * 16 + c.to_digit(16)?;
                    if next > char::MAX as u32 {
                        return None;
                    }
                    code = Some(next);
                }
            }
        }
    }

    /// `[…]`
    fn class(&mut self) -> Result<Node, RegexError> {
        let whole = self.rest;
        self.rest = &whole[1..];
        let negated = self.eat("^");
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if self.rest.starts_with("[:")
                && let Some(named) = self.posix_class()?
            {
                class.union(&named);
            } else if let Some(named) = self.named_class()? {
                class.union(&named);
            } else {
                self.range(&mut class, whole)?;
            }
        }
        self.rest = &self.rest[1..];
        if negated {
            class.negate();
        }
        Ok(Node::Class(class))
    }

    /// `[:name:]` or `[:^name:]`; `None` when it is not closed.
    fn posix_class(&mut self) -> Result<Option<ClassUnicode>, RegexError> {
        let start = self.rest;
        let Some(end) = start[2..].find(":]") else { return Ok(None) };
        let name = &start[2..2 + end];
        self.rest = &start[end + 4..];
        let without = name.strip_prefix('^');
        let class = class::posix(without.unwrap_or(name));
        let mut class = class.ok_or_else(|| RegexError::new(INVALID_RANGE, until(start, self.rest)))?;
        if self.flags.fold_case {
            class::fold(&mut class);
        }
        if without.is_some() {
            class.negate();
        }
        Ok(Some(class))
    }

    /// A character or a range of them.
    fn range(&mut self, class: &mut ClassUnicode, whole: &str) -> Result<(), RegexError> {
        let start = self.rest;
        let low = self.class_char(whole)?;
        let mut high = low;
        let mut after = self.rest.chars();
        if after.next() == Some('-') && after.next().is_some_and(|c| c != ']') {
            self.rest = &self.rest[1..];
            high = self.class_char(whole)?;
            if high < low {
                return Err(RegexError::new(INVALID_RANGE, until(start, self.rest)));
            }
        }
        // Bounds that are surrogates move to the nearest characters inside of the range.
        let low = char::from_u32(low).unwrap_or('\u{e000}');
        let high = char::from_u32(high).unwrap_or('\u{d7ff}');
        if low <= high {
            let mut range = ClassUnicode::new([ClassUnicodeRange::new(low, high)]);
            if self.flags.fold_case {
                class::fold(&mut range);
            }
            class.union(&range);
        }
        Ok(())
    }

    fn class_char(&mut self, whole: &str) -> Result<u32, RegexError> {
        if self.rest.starts_with('\\') {
            // Surrogates have no character; as bounds they all are alike.
            return Ok(self.escape()?.map_or(0xd800, u32::from));
        }
        match self.take_char() {
            Some(c) => Ok(u32::from(c)),
            None => Err(RegexError::new("missing closing ]", whole)),
        }
    }
}

const INVALID_RANGE: &str = "invalid character class range";

enum GroupStart {
    Named,
    Plain,
    OnlyFlags,
}

/// True when no piece is repeated more than `limit` times by counts within counts.
fn repeats_at_most(node: &Node, mut limit: u32) -> bool {
    match node {
        Node::Repeat(repeat) => {
            if repeat.counted {
                let times = repeat.max.unwrap_or(repeat.min);
                if repeat.max == Some(0) {
                    return true;
                }
                if times > limit {
                    return false;
                }
                limit = limit.checked_div(times).unwrap_or(limit);
            }
            repeats_at_most(&repeat.node, limit)
        }
        Node::Group(node) => repeats_at_most(node, limit),
        Node::Concat(nodes) | Node::Alternation(nodes) => nodes.iter().all(|node| repeats_at_most(node, limit)),
        _ => true,
    }
}
