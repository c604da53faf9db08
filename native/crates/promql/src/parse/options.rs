//! Which PromQL is understood.

/// Switches of the parser. The default is what Cortex 1.21 understands with its default flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// Experimental functions and aggregations (`info`, `sort_by_label`, `limitk`).
    pub experimental_functions: bool,
    /// Arithmetic in durations (`[5m * 2]`, `offset (step())`).
    pub duration_expressions: bool,
    /// `anchored` and `smoothed`.
    pub extended_range_selectors: bool,
    /// `fill`, `fill_left`, `fill_right`; needs `newer_syntax`.
    pub fill_modifiers: bool,
    /// `xrate`, `xincrease`, `xdelta`.
    pub extended_range_functions: bool,
    /// `holt_winters`, the old name of `double_exponential_smoothing`, without the experimental functions.
    pub holt_winters: bool,
    /// What PromQL has learnt between the Prometheus inside Cortex 1.21 (0.309) and Prometheus 3.14: fill modifiers, histogram
    /// trims `</` and `>/`, `range()`, `min_of()`, `max_of()`, `start()`, `end()` and `step()` as functions.
    pub newer_syntax: bool,
    /// Most levels of parentheses, calls, signs and right operands inside each other.
    pub max_depth: u32,
    /// Largest height of the tree; operators in a row count here, too.
    pub max_height: u32,
    /// Longest query in bytes.
    pub max_query_bytes: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            experimental_functions: false,
            duration_expressions: false,
            extended_range_selectors: false,
            fill_modifiers: false,
            extended_range_functions: false,
            holt_winters: true,
            newer_syntax: false,
            max_depth: 256,
            max_height: 512,
            max_query_bytes: 16 << 20,
        }
    }
}

impl ParseOptions {
    /// Everything switched on: PromQL of Prometheus 3.14 and Cortex's additions.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            experimental_functions: true,
            duration_expressions: true,
            extended_range_selectors: true,
            fill_modifiers: true,
            extended_range_functions: true,
            holt_winters: true,
            newer_syntax: true,
            ..Self::default()
        }
    }
}
