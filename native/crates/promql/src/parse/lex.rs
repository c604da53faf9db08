//! From text to tokens, with the states and messages of Prometheus's `promql/parser/lex.go`.
//!
//! The lexer reads only as far as it is asked to: the parser asks for a token exactly when the grammar needs one, so that of
//! two mistakes in a query the same one is found first.

use neocortex_model::float::{go_quote, go_quote_rune, go_unicode};

use super::ast::{AggregateOp, BinaryOp, Span};
use super::token::{Keyword, Preprocessor, Token, TokenKind};

/// A text that is no token; the span goes from the start of the token to the end of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LexError {
    /// Where it stands.
    pub span: Span,
    /// What is wrong.
    pub message: String,
}

/// Where in the syntax the next token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Everywhere but in the places below. Also behind the first number in brackets.
    Statements,
    /// Between `[` and the first number.
    Brackets,
}

/// The tokens of a query, one at a time.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    input: &'a str,
    newer: bool,
    state: State,
    /// Next byte.
    pos: usize,
    /// First byte of the token.
    start: usize,
    paren_depth: i32,
    brace_open: bool,
    bracket_open: bool,
    got_colon: bool,
    got_duration: bool,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of a text. `newer` knows the words and operators added to PromQL since Cortex 1.21.
    #[must_use]
    pub fn new(input: &'a str, newer: bool) -> Self {
        Self {
            input,
            newer,
            state: State::Statements,
            pos: 0,
            start: 0,
            paren_depth: 0,
            brace_open: false,
            bracket_open: false,
            got_colon: false,
            got_duration: false,
        }
    }

    /// The whole text.
    #[must_use]
    pub fn input(&self) -> &'a str {
        self.input
    }

    /// Byte offset behind the last token.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.pos
    }

    /// The next token; [`TokenKind::Eof`] at the end, again and again. Spaces and comments are skipped.
    ///
    /// # Errors
    /// [`LexError`]; the lexer must not be asked again after one.
    pub fn next_token(&mut self) -> Result<Token, LexError> {
        loop {
            self.start = self.pos;
            match self.peek() {
                Some(' ' | '\t' | '\n' | '\r') => {
                    self.skip_spaces();
                    continue;
                }
                Some('#') if self.state == State::Statements => {
                    let rest = &self.input[self.pos..];
                    self.pos += rest.find(['\r', '\n']).unwrap_or(rest.len());
                    continue;
                }
                _ => {}
            }
            return if self.state == State::Brackets {
                self.in_brackets()
            } else if self.brace_open {
                self.in_braces()
            } else {
                self.in_statements()
            };
        }
    }

    fn in_statements(&mut self) -> Result<Token, LexError> {
        let Some(c) = self.bump() else {
            return if self.paren_depth != 0 {
                self.fail("unclosed left parenthesis")
            } else if self.bracket_open {
                self.fail("unclosed left bracket")
            } else {
                self.token(TokenKind::Eof)
            };
        };
        match c {
            ',' => self.token(TokenKind::Comma),
            '*' => self.operator(BinaryOp::Mul),
            '/' => self.operator(BinaryOp::Div),
            '%' => self.operator(BinaryOp::Mod),
            '+' => self.operator(BinaryOp::Add),
            '-' => self.operator(BinaryOp::Sub),
            '^' => self.operator(BinaryOp::Pow),
            '=' if self.accept("=") => self.operator(BinaryOp::Eq),
            '=' if self.peek() == Some('~') => self.fail("unexpected character after '=': '~'"),
            '=' => self.token(TokenKind::Assign),
            '!' => match self.bump() {
                Some('=') => self.operator(BinaryOp::Ne),
                other => self.fail(format!("unexpected character after '!': {}", go_quote_rune(other))),
            },
            '<' if self.accept("=") => self.operator(BinaryOp::Le),
            '<' if self.newer && self.accept("/") => self.operator(BinaryOp::TrimUpper),
            '<' => self.operator(BinaryOp::Lt),
            '>' if self.accept("=") => self.operator(BinaryOp::Ge),
            '>' if self.newer && self.accept("/") => self.operator(BinaryOp::TrimLower),
            '>' => self.operator(BinaryOp::Gt),
            '0'..='9' => self.number_or_duration(),
            '.' if self.peek().is_some_and(|c| c.is_ascii_digit()) => self.number_or_duration(),
            '"' | '\'' => self.string(c),
            '`' => self.raw_string(),
            ':' | '_' | 'a'..='z' | 'A'..='Z' if !self.bracket_open => self.word(),
            ':' if self.got_colon => self.fail("unexpected colon ':'"),
            ':' => {
                self.got_colon = true;
                self.token(TokenKind::Colon)
            }
            '_' | 'a'..='z' | 'A'..='Z' => match self.duration_word(c) {
                Some(kind) => self.token(kind),
                None => self.fail(format!("unexpected character: {}, expected ':'", go_quote_rune(Some(c)))),
            },
            '(' => self.left_paren(),
            ')' => self.right_paren(),
            '{' => {
                self.brace_open = true;
                self.token(TokenKind::LeftBrace)
            }
            '[' if self.bracket_open => self.fail("unexpected left bracket '['"),
            '[' => {
                self.got_colon = false;
                self.bracket_open = true;
                self.state = State::Brackets;
                self.token(TokenKind::LeftBracket)
            }
            ']' if self.bracket_open => {
                self.bracket_open = false;
                self.token(TokenKind::RightBracket)
            }
            ']' => self.fail("unexpected right bracket ']'"),
            '@' => self.token(TokenKind::At),
            other => self.fail(format!("unexpected character: {}", go_quote_rune(Some(other)))),
        }
    }

    fn in_brackets(&mut self) -> Result<Token, LexError> {
        let Some(c) = self.bump() else {
            return self.fail("unexpected end of input in duration expression");
        };
        match c {
            ']' => {
                self.bracket_open = false;
                self.got_colon = false;
                self.state = State::Statements;
                self.token(TokenKind::RightBracket)
            }
            ':' if !self.got_duration => self.fail_behind("unexpected colon before duration in duration expression"),
            ':' if self.got_colon => self.fail_behind("unexpected repeated colon in duration expression"),
            ':' => {
                self.got_colon = true;
                self.token(TokenKind::Colon)
            }
            '(' => self.left_paren(),
            ')' => self.right_paren(),
            '+' => self.operator(BinaryOp::Add),
            '-' => self.operator(BinaryOp::Sub),
            '*' => self.operator(BinaryOp::Mul),
            '/' => self.operator(BinaryOp::Div),
            '%' => self.operator(BinaryOp::Mod),
            '^' => self.operator(BinaryOp::Pow),
            ',' => self.token(TokenKind::Comma),
            '0'..='9' => self.first_number(),
            '.' if self.peek().is_some_and(|c| c.is_ascii_digit()) => self.first_number(),
            c => match self.duration_word(c) {
                Some(kind) => self.token(kind),
                None => self.fail(format!("unexpected character in duration expression: {}", go_quote_rune(Some(c)))),
            },
        }
    }

    fn in_braces(&mut self) -> Result<Token, LexError> {
        let Some(c) = self.bump() else {
            return self.fail("unexpected end of input inside braces");
        };
        match c {
            '_' | 'a'..='z' | 'A'..='Z' => {
                self.accept_while(is_alphanumeric);
                self.token(TokenKind::Identifier)
            }
            ',' => self.token(TokenKind::Comma),
            '"' | '\'' => self.string(c),
            '`' => self.raw_string(),
            '=' if self.accept("~") => self.token(TokenKind::EqualRegex),
            '=' => self.token(TokenKind::Assign),
            '!' => match self.bump() {
                Some('~') => self.token(TokenKind::NotEqualRegex),
                Some('=') => self.operator(BinaryOp::Ne),
                other => self.fail(format!("unexpected character after '!' inside braces: {}", go_quote_rune(other))),
            },
            '{' => self.fail("unexpected left brace '{'"),
            '}' => {
                self.brace_open = false;
                self.token(TokenKind::RightBrace)
            }
            other => self.fail(format!("unexpected character inside braces: {}", go_quote_rune(Some(other)))),
        }
    }

    fn left_paren(&mut self) -> Result<Token, LexError> {
        self.paren_depth += 1;
        self.token(TokenKind::LeftParen)
    }

    fn right_paren(&mut self) -> Result<Token, LexError> {
        self.paren_depth -= 1;
        if self.paren_depth < 0 {
            return self.fail_behind("unexpected right parenthesis ')'");
        }
        self.token(TokenKind::RightParen)
    }

    fn first_number(&mut self) -> Result<Token, LexError> {
        self.got_duration = true;
        self.state = State::Statements;
        self.number_or_duration()
    }

    /// A word that is a duration of its own (`step`), its first character read.
    fn duration_word(&mut self, first: char) -> Option<TokenKind> {
        match first.to_ascii_lowercase() {
            's' | 'm' => {}
            'r' if self.newer => {}
            _ => return None,
        }
        self.accept_while(is_alpha);
        match self.input[self.start..self.pos].to_ascii_lowercase().as_str() {
            "step" => Some(TokenKind::Preprocessor(Preprocessor::Step)),
            "range" if self.newer => Some(TokenKind::Preprocessor(Preprocessor::Range)),
            "max_of" if self.newer => Some(TokenKind::Preprocessor(Preprocessor::MaxOf)),
            "min_of" if self.newer => Some(TokenKind::Preprocessor(Preprocessor::MinOf)),
            "min" if !self.newer => Some(TokenKind::Aggregate(AggregateOp::Min)),
            "max" if !self.newer => Some(TokenKind::Aggregate(AggregateOp::Max)),
            _ => None,
        }
    }

    /// A name or keyword, its first character read.
    fn word(&mut self) -> Result<Token, LexError> {
        self.accept_while(|c| is_alphanumeric(c) || c == ':');
        let word = &self.input[self.start..self.pos];
        let kind = match TokenKind::of_word(word, self.newer) {
            // These are modifiers only in front of their value, so that metrics of these names keep working.
            Some(TokenKind::Keyword(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight))
                if !self.input[self.pos..].trim_start_matches(is_space).starts_with('(') =>
            {
                TokenKind::Identifier
            }
            Some(kind) => kind,
            None if word.contains(':') => TokenKind::MetricIdentifier,
            None => TokenKind::Identifier,
        };
        self.token(kind)
    }

    /// A string in `"` or `'`, the quote read. Escapes are checked here and decoded by the parser.
    fn string(&mut self, quote: char) -> Result<Token, LexError> {
        loop {
            match self.bump() {
                Some('\\') => self.escape(quote)?,
                Some('\u{fffd}') => return self.fail("invalid UTF-8 rune"),
                None | Some('\n') => return self.fail("unterminated quoted string"),
                Some(c) if c == quote => return self.token(TokenKind::String),
                Some(_) => {}
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<(), LexError> {
        let first = self.bump();
        let (count, radix, largest) = match first {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\') => return Ok(()),
            Some(c) if c == quote => return Ok(()),
            Some('0'..='7') => (3, 8, 255),
            Some('x') => (2, 16, 255),
            Some('u') => (4, 16, 0x10_ffff),
            Some('U') => (8, 16, 0x10_ffff),
            None => return self.fail("escape sequence not terminated"),
            Some(c) => return self.fail(format!("unknown escape sequence {}", go_unicode(c))),
        };
        let mut c = if radix == 8 { first } else { self.bump() };
        let mut value: u64 = 0;
        for left in (0..count).rev() {
            let Some(digit) = c else { return self.fail("escape sequence not terminated") };
            let Some(digit_value) = digit.to_digit(radix) else {
                return self.fail(format!("illegal character {} in escape sequence", go_unicode(digit)));
            };
            value = value * u64::from(radix) + u64::from(digit_value);
            if left > 0 {
                c = self.bump();
            }
        }
        if value > largest || (0xd800..0xe000).contains(&value) {
            return self.fail("escape sequence is an invalid Unicode code point");
        }
        Ok(())
    }

    fn raw_string(&mut self) -> Result<Token, LexError> {
        loop {
            match self.bump() {
                Some('\u{fffd}') => return self.fail("invalid UTF-8 rune"),
                None => return self.fail("unterminated raw string"),
                Some('`') => return self.token(TokenKind::String),
                Some(_) => {}
            }
        }
    }

    fn number_or_duration(&mut self) -> Result<Token, LexError> {
        self.pos = self.start;
        if self.scan_number() {
            self.token(TokenKind::Number)
        } else if self.scan_duration() {
            self.token(TokenKind::Duration)
        } else {
            let text = go_quote(&self.input[self.start..self.pos]);
            self.fail(format!("bad number or duration syntax: {text}"))
        }
    }

    /// Reads what may be a number; whether it is one is decided by the parser.
    fn scan_number(&mut self) -> bool {
        let mut digits = "0123456789";
        if self.accept("0") && self.accept("xX") {
            self.accept("_");
            digits = "0123456789abcdefABCDEF";
        }
        let hexadecimal = digits.len() > 10;
        self.accept(".");
        self.accept(digits);
        let (mut dot, mut exponent) = (false, false);
        while let Some(c) = self.peek().filter(|&c| digits.contains(c) || matches!(c, '.' | '_' | 'e' | 'E')) {
            match c {
                '.' => {
                    self.bump();
                    // Neither a second dot, nor one in front of an underscore, nor one in a hexadecimal number.
                    if dot || self.accept("_.") || hexadecimal {
                        return false;
                    }
                    dot = true;
                }
                // In a hexadecimal number e is a digit as well, but it counts as the exponent.
                'e' | 'E' => {
                    self.bump();
                    if exponent {
                        return false;
                    }
                    exponent = true;
                    self.accept("+-");
                    if self.accept("._eE") || self.peek().is_none() {
                        return false;
                    }
                }
                '_' => {
                    self.bump();
                    if self.accept("._eE") || self.peek().is_none() {
                        return false;
                    }
                }
                _ => self.accept_while(|c| digits.contains(c)),
            }
        }
        !self.peek().is_some_and(is_alphanumeric)
    }

    /// Reads units behind a number, and more numbers with units. Wrong units are found when the duration is parsed.
    fn scan_duration(&mut self) -> bool {
        if !self.accept("smhdwy") {
            return false;
        }
        self.accept("s");
        while self.accept("0123456789") {
            self.accept_while(|c| c.is_ascii_digit());
            if !self.accept("smhdw") {
                return false;
            }
            self.accept("s");
        }
        if self.peek().is_some_and(is_alphanumeric) {
            // The message quotes the character, too.
            self.bump();
            return false;
        }
        true
    }

    fn peek(&self) -> Option<char> {
        self.input[self.pos..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|c| valid.contains(c));
        if found {
            self.bump();
        }
        found
    }

    fn accept_while(&mut self, valid: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&valid) {
            self.bump();
        }
    }

    fn skip_spaces(&mut self) {
        self.accept_while(is_space);
    }

    fn operator(&mut self, op: BinaryOp) -> Result<Token, LexError> {
        self.token(TokenKind::Operator(op))
    }

    #[allow(clippy::unnecessary_wraps, reason = "the tail of functions that can fail")]
    fn token(&mut self, kind: TokenKind) -> Result<Token, LexError> {
        Ok(Token { kind, span: Span { start: offset(self.start), end: offset(self.pos) } })
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, LexError> {
        let span = Span { start: offset(self.start), end: offset(self.input.len()) };
        Err(LexError { span, message: message.into() })
    }

    /// Some mistakes are noticed only once the token is through; they are reported behind it.
    fn fail_behind<T>(&mut self, message: &str) -> Result<T, LexError> {
        self.start = self.pos;
        self.fail(message)
    }
}

/// Offsets fit: the parser refuses queries of 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_alpha(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic()
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}
