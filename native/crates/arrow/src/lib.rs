//! Results of queries as Arrow columns, in the long form that data frames want: one row a sample.
//!
//! | column | type | null |
//! |---|---|---|
//! | `timestamp` | timestamp in milliseconds, UTC | never |
//! | one a label name, ascending | dictionary of 32-bit keys and UTF-8 | where the series lacks the label |
//! | `value` | 64-bit float; UTF-8 for the result of a string | where the sample is a native histogram |
//! | `histogram` | struct, see [`histogram`] | where the sample is a float |
//!
//! `histogram` is there when at least one sample is one. A label that is called like one of these columns gets
//! `exported_` before its name, as Prometheus does with labels of targets, and again until the name is free. With
//! [`LabelLayout::Map`] there is one column `labels` of maps from names to values instead.
//!
//! Rows come series by series, in the order of the answer, ascending in time within a series. What is asked for of series
//! alone has their labels, one row a series.
//!
//! The columns are made once. [`export`] hands out references to them by the Arrow C data interface, so a consumer that
//! takes these types as they are copies nothing. The crates of the Arrow project are used rather than code of our own:
//! that interface is pointers and callbacks from end to end, and theirs is checked and widely used.

mod error;
pub mod export;
mod histogram;
mod labels;
mod points;
mod table;

#[cfg(test)]
mod tests;

pub use error::TableError;
pub use labels::LabelLayout;
pub use table::Table;
