//! The table of functions: names, argument types, result types.

use super::ast::ValueType;

/// Signature of a function. Implementations are in `crate::func`, found by the same name.
#[derive(Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Types of the arguments; the last may repeat or be missing, see `variadic`.
    pub args: &'static [ValueType],
    /// 0: exactly `args`. n > 0: up to n of the last are optional. -1: any number of the last.
    pub variadic: i32,
    /// Type of the result.
    pub returns: ValueType,
    /// Only with experimental functions switched on.
    pub experimental: bool,
}
