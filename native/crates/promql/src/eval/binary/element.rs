//! One value with another.

use std::sync::Arc;

use neocortex_model::histogram::{Combined, CounterReset, FloatHistogram, IncompatibleSchemas, Keep};
use neocortex_model::result::Value;

use crate::eval::annotate::{HistogramOperation, Note, Notes};
use crate::parse::ast::{BinaryOp, Span};

/// An arithmetic operator on floats.
pub(super) fn float(op: BinaryOp, l: f64, r: f64) -> f64 {
    match op {
        BinaryOp::Add => l + r,
        BinaryOp::Sub => l - r,
        BinaryOp::Mul => l * r,
        BinaryOp::Div => l / r,
        BinaryOp::Mod => l % r,
        BinaryOp::Pow => l.powf(r),
        BinaryOp::Atan2 => l.atan2(r),
        _ => f64::NAN,
    }
}

/// A comparison of floats.
pub(super) fn truth(op: BinaryOp, l: f64, r: f64) -> bool {
    match op {
        BinaryOp::Eq => l == r,
        BinaryOp::Ne => l != r,
        BinaryOp::Gt => l > r,
        BinaryOp::Lt => l < r,
        BinaryOp::Ge => l >= r,
        BinaryOp::Le => l <= r,
        _ => false,
    }
}

/// What an operator made of two values.
pub(super) struct Outcome {
    /// The result; of a comparison the left value.
    pub value: Value,
    /// The comparison holds; true for anything else.
    pub holds: bool,
}

impl Outcome {
    fn of(value: Value) -> Self {
        Self { value, holds: true }
    }

    /// The value, if a filter keeps it.
    pub fn kept(self) -> Option<Value> {
        self.holds.then_some(self.value)
    }
}

/// An operator between elements of vectors.
pub(super) struct Element<'n> {
    pub op: BinaryOp,
    /// Where the expression stands.
    pub at: Span,
    pub notes: &'n Notes,
}

impl Element<'_> {
    /// The outcome, or `None`, with a note, when the operator is not for values of these types.
    pub fn apply(&self, l: &Value, r: &Value) -> Option<Outcome> {
        match (l, r) {
            (Value::Float(_), Value::Float(_)) if self.refuses_floats() => None,
            (Value::Float(l), Value::Float(r)) if self.op.is_comparison() => {
                Some(Outcome { value: Value::Float(*l), holds: truth(self.op, *l, *r) })
            }
            (Value::Float(l), Value::Float(r)) => Some(Outcome::of(Value::Float(float(self.op, *l, *r)))),
            (Value::Float(l), Value::Histogram(r)) => match self.op {
                BinaryOp::Mul => Some(changed(r, |h| h.mul(*l))),
                _ => self.refuse("float", "histogram"),
            },
            (Value::Histogram(l), Value::Float(r)) => match self.op {
                BinaryOp::Mul => Some(changed(l, |h| h.mul(*r))),
                BinaryOp::Div => Some(changed(l, |h| h.div(*r))),
                BinaryOp::TrimUpper => Some(trimmed(l, *r, Keep::Below)),
                BinaryOp::TrimLower => Some(trimmed(l, *r, Keep::Above)),
                _ => self.refuse("histogram", "float"),
            },
            (Value::Histogram(l), Value::Histogram(r)) => self.histograms(l, r),
        }
    }

    /// True, with a note, for operators that need a histogram on the left.
    pub fn refuses_floats(&self) -> bool {
        let refuses = matches!(self.op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
        if refuses {
            self.refuse("float", "float");
        }
        refuses
    }

    fn histograms(&self, l: &Arc<FloatHistogram>, r: &FloatHistogram) -> Option<Outcome> {
        match self.op {
            BinaryOp::Add => self.combine(l, HistogramOperation::Addition, |h| h.add(r)),
            BinaryOp::Sub => self.combine(l, HistogramOperation::Subtraction, |h| {
                let combined = h.sub(r)?;
                h.counter_reset = CounterReset::Gauge;
                Ok(combined)
            }),
            BinaryOp::Eq | BinaryOp::Ne => {
                let holds = l.same_data(r) == (self.op == BinaryOp::Eq);
                Some(Outcome { value: Value::Histogram(Arc::clone(l)), holds })
            }
            _ => self.refuse("histogram", "histogram"),
        }
    }

    fn combine(
        &self,
        l: &FloatHistogram,
        operation: HistogramOperation,
        combine: impl FnOnce(&mut FloatHistogram) -> Result<Combined, IncompatibleSchemas>,
    ) -> Option<Outcome> {
        let mut h = l.clone();
        match combine(&mut h) {
            Ok(combined) => {
                if combined.counter_reset_collision {
                    self.notes.add(Note::CounterResetCollision(operation), self.at);
                }
                if combined.bounds_reconciled {
                    self.notes.add(Note::MismatchedCustomBuckets(operation), self.at);
                }
                h.compact();
                Some(Outcome::of(Value::Histogram(Arc::new(h))))
            }
            Err(IncompatibleSchemas) => {
                self.notes.add(Note::IncompatibleBucketLayout { operator: self.op.as_str() }, self.at);
                None
            }
        }
    }

    fn refuse(&self, left: &str, right: &str) -> Option<Outcome> {
        self.notes.add(Note::IncompatibleTypes { left, operator: self.op.as_str(), right }, self.at);
        None
    }
}

fn changed(h: &FloatHistogram, change: impl FnOnce(&mut FloatHistogram)) -> Outcome {
    let mut h = h.clone();
    change(&mut h);
    h.compact();
    Outcome::of(Value::Histogram(Arc::new(h)))
}

fn trimmed(h: &FloatHistogram, at: f64, keep: Keep) -> Outcome {
    let mut h = h.clone();
    h.trim(at, keep);
    Outcome::of(Value::Histogram(Arc::new(h)))
}
