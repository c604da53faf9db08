//! Binary operators: between scalars, a vector and a scalar, and two vectors.

mod element;
mod matching;
mod set;
mod signature;

use neocortex_model::result::Value;

use self::element::{Element, float, truth};
use super::column::{Column, absent, is_absent};
use super::engine::Frame;
use super::error::EvalError;
use super::names;
use crate::parse::ast::{Binary, BinaryOp, Expr, ValueType};
use crate::plan::tree::Node;

impl Frame<'_> {
    /// Two scalars.
    pub(super) fn scalar_binary(
        &self,
        binary: &Binary,
        left: &Node<'_>,
        right: &Node<'_>,
    ) -> Result<Vec<f64>, EvalError> {
        let mut values = self.scalar(left)?;
        let right = self.scalar(right)?;
        self.gather_scalars(2)?;
        for (l, r) in values.iter_mut().zip(right) {
            *l = if binary.op.is_comparison() { f64::from(truth(binary.op, *l, r)) } else { float(binary.op, *l, r) };
        }
        Ok(values)
    }

    /// At least one vector.
    pub(super) fn vector_binary(
        &self,
        expr: &Expr,
        binary: &Binary,
        left: &Node<'_>,
        right: &Node<'_>,
    ) -> Result<Vec<Column>, EvalError> {
        let columns = match (left.value_type(), right.value_type()) {
            (ValueType::Scalar, _) => {
                let scalars = self.scalar(left)?;
                let vector = self.vector(right)?;
                self.with_scalar(expr, binary, vector, &scalars, true)?
            }
            (_, ValueType::Scalar) => {
                let vector = self.vector(left)?;
                self.with_scalar(expr, binary, vector, &self.scalar(right)?, false)?
            }
            _ => {
                let (left, right) = (self.vector(left)?, self.vector(right)?);
                self.gather(&left)?;
                self.gather(&right)?;
                match binary.op {
                    BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => set::apply(binary, left, right),
                    _ => self.matched(expr, binary, &left, &right)?,
                }
            }
        };
        self.merged(columns)
    }

    /// Each element of a vector with a scalar; `swapped` when the scalar is on the left.
    fn with_scalar(
        &self,
        expr: &Expr,
        binary: &Binary,
        mut columns: Vec<Column>,
        scalars: &[f64],
        swapped: bool,
    ) -> Result<Vec<Column>, EvalError> {
        self.gather(&columns)?;
        self.gather_scalars(1)?;
        let op = binary.op;
        let comparison = op.is_comparison();
        let element = Element { op, at: expr.span, notes: &self.query.notes };
        for column in &mut columns {
            for (step, scalar) in scalars.iter().enumerate() {
                let v = column.floats[step];
                if let Some(Some(_)) = column.histograms.get(step) {
                    let value = column.get(step);
                    column.set(step, value.and_then(|value| with_histogram(&element, binary, value, *scalar, swapped)));
                } else if !is_absent(v) {
                    let (l, r) = if swapped { (*scalar, v) } else { (v, *scalar) };
                    column.floats[step] = match (comparison, binary.return_bool) {
                        (true, true) => f64::from(truth(op, l, r)),
                        (true, false) if truth(op, l, r) => v,
                        (false, _) if !element.refuses_floats() => float(op, l, r),
                        _ => absent(),
                    };
                }
            }
            if changes_meaning(op) || binary.return_bool {
                names::drop_name(column, self.delayed());
            }
        }
        columns.retain(|column| !column.is_empty());
        Ok(columns)
    }
}

/// A histogram with a scalar.
fn with_histogram(element: &Element<'_>, binary: &Binary, value: Value, scalar: f64, swapped: bool) -> Option<Value> {
    let scalar = Value::Float(scalar);
    let outcome = if swapped { element.apply(&scalar, &value) } else { element.apply(&value, &scalar) }?;
    if binary.return_bool { Some(Value::Float(f64::from(outcome.holds))) } else { outcome.kept() }
}

/// The result no longer is the metric: all arithmetic.
fn changes_meaning(op: BinaryOp) -> bool {
    !op.is_comparison() && !op.is_set() && !matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower)
}
