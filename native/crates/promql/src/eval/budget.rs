//! Time and memory of one evaluation: cancellation, deadline, samples held.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use neocortex_model::histogram::FloatHistogram;

use super::column::{Column, is_absent};
use super::error::EvalError;
use super::options::EvalOptions;

/// Dense columns have a slot for each step, filled or not; this many slots a sample of the limit are allowed.
const SLOTS_PER_SAMPLE: u64 = 4;

/// A step's time and its figure.
const SLOTS_PER_STEP: u64 = 2;

/// Bytes of a slot.
const SLOT_BYTES: u64 = 8;

/// So many slots are allowed however low the limit of samples is: 64 MiB.
const SLOTS_ALWAYS: u64 = 8 << 20;

/// Watches one evaluation. Samples are counted as Prometheus counts them: a float is one, a histogram one for each 16 bytes.
pub(super) struct Budget<'o> {
    options: &'o EvalOptions,
    held: AtomicU64,
    peak: AtomicU64,
    /// Slots of what operands hold while the others are evaluated.
    slots: AtomicU64,
}

impl<'o> Budget<'o> {
    pub fn new(options: &'o EvalOptions) -> Self {
        Self { options, held: AtomicU64::new(0), peak: AtomicU64::new(0), slots: AtomicU64::new(0) }
    }

    /// The most samples allowed at once.
    pub fn max_samples(&self) -> u64 {
        if self.options.max_samples == 0 { u64::MAX } else { self.options.max_samples }
    }

    /// # Errors
    /// [`EvalError::Cancelled`], [`EvalError::Timeout`].
    pub fn check_time(&self) -> Result<(), EvalError> {
        if self.options.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(EvalError::Cancelled);
        }
        if self.options.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(EvalError::Timeout);
        }
        Ok(())
    }

    /// Room for `columns` dense columns of `steps`, asked before they are made.
    ///
    /// # Errors
    /// [`EvalError::TooManySamples`].
    pub fn check_slots(&self, columns: usize, steps: usize) -> Result<(), EvalError> {
        let slots = (columns as u64).saturating_mul(steps as u64);
        if slots > self.slots_left() { Err(EvalError::TooManySamples) } else { Ok(()) }
    }

    /// Slots held now.
    pub fn slots(&self) -> u64 {
        self.slots.load(Ordering::Relaxed)
    }

    /// Says how many slots are held now.
    ///
    /// # Errors
    /// [`EvalError::TooManySamples`].
    pub fn set_slots(&self, slots: u64) -> Result<(), EvalError> {
        self.slots.store(slots, Ordering::Relaxed);
        if slots > self.max_slots() { Err(EvalError::TooManySamples) } else { Ok(()) }
    }

    /// Bytes that a function may take for labels that it makes.
    pub fn label_bytes_left(&self) -> u64 {
        self.slots_left().saturating_mul(SLOT_BYTES)
    }

    /// The most steps that a subquery may have now.
    pub fn max_steps(&self) -> u64 {
        self.max_samples().min(self.slots_left() / SLOTS_PER_STEP)
    }

    /// Holds what a subquery keeps for its steps.
    ///
    /// # Errors
    /// [`EvalError::TooManySamples`].
    pub fn hold_steps(&self, steps: usize) -> Result<(), EvalError> {
        self.set_slots(self.slots().saturating_add(SLOTS_PER_STEP.saturating_mul(steps as u64)))
    }

    fn max_slots(&self) -> u64 {
        self.max_samples().saturating_mul(SLOTS_PER_SAMPLE).max(SLOTS_ALWAYS)
    }

    fn slots_left(&self) -> u64 {
        self.max_slots().saturating_sub(self.slots())
    }

    /// Samples held now.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// The most samples that were held.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// Says how many samples are held now.
    ///
    /// # Errors
    /// [`EvalError::TooManySamples`].
    pub fn set_held(&self, held: u64) -> Result<(), EvalError> {
        self.held.store(held, Ordering::Relaxed);
        self.peak.fetch_max(held, Ordering::Relaxed);
        if held > self.max_samples() { Err(EvalError::TooManySamples) } else { Ok(()) }
    }

    /// Holds more samples.
    ///
    /// # Errors
    /// [`EvalError::TooManySamples`].
    pub fn hold(&self, samples: u64) -> Result<(), EvalError> {
        self.set_held(self.held().saturating_add(samples))
    }

    /// Samples that are held for a moment only: a window, beside what is held.
    ///
    /// # Errors
    /// [`EvalError::TooManySamples`].
    pub fn pass(&self, samples: u64) -> Result<(), EvalError> {
        let held = self.held();
        self.hold(samples)?;
        self.set_held(held)
    }
}

/// What a histogram counts as.
pub(super) fn histogram_samples(h: &FloatHistogram) -> u64 {
    let slices = h.positive_spans.len()
        + h.negative_spans.len()
        + h.positive_buckets.len()
        + h.negative_buckets.len()
        + h.custom_values.len();
    (168 + 8 * slices as u64 + 8) / 16
}

/// The samples of a column.
pub(super) fn column_samples(column: &Column) -> u64 {
    let floats = column.floats.iter().filter(|v| !is_absent(**v)).count() as u64;
    let histograms: u64 = column.histograms.iter().flatten().map(|h| histogram_samples(h)).sum();
    floats + histograms
}

/// What columns take: their slots, and their labels.
pub(super) fn column_slots(columns: &[Column]) -> u64 {
    let slots = |column: &Column| {
        let labels = (column.labels.as_bytes().len() as u64).div_ceil(SLOT_BYTES);
        (column.floats.len() + column.histograms.len()) as u64 + labels
    };
    columns.iter().map(slots).sum()
}
