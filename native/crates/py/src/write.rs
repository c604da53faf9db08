//! Write requests: decoded, validated, then handed to a database.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use neocortex_model::rows::NoKnownSeries;
use neocortex_wire::key::SECRET_BYTES;
use neocortex_wire::validate::{Discarded, LabelSteps, NameValidation, Replicas, Validated, ValidationLimits};
use neocortex_wire::{DecodeError, KeySecret, WriteBatch, push_v1, push_v2};
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::error::Failure;
use crate::pool::Pool;
use crate::tsdb::PyTsdb;

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error.to_string())
    }
}

/// The secret of this process's series keys.
static SECRET: LazyLock<KeySecret> = LazyLock::new(|| {
    let mut random = [0u8; SECRET_BYTES];
    let mut filled = 0;
    while filled < random.len() {
        // SAFETY: the pointer and the length describe the rest of `random`.
        let n = unsafe { libc::getrandom(random[filled..].as_mut_ptr().cast(), random.len() - filled, 0) };
        // It blocks until the system's source is ready and is then only ever interrupted (a negative result).
        filled += usize::try_from(n).unwrap_or(0);
    }
    KeySecret::new(random)
});

/// `ValidationLimits`
#[pyclass(frozen, name = "ValidationLimits", module = "neocortex._native")]
pub struct PyValidationLimits {
    limits: ValidationLimits,
    steps: Arc<LabelSteps>,
}

#[pymethods]
impl PyValidationLimits {
    #[new]
    #[pyo3(signature = (*, generation, enforce_metric_name, utf8_names, max_label_names_per_series,
        max_label_name_length, max_label_value_length, max_labels_size_bytes, reject_old_samples,
        reject_old_samples_max_age_ms, creation_grace_period_ms, enforce_metadata_metric_name, max_metadata_length,
        max_native_histogram_buckets, max_native_histogram_sample_size_bytes, drop_labels, remove_replica_label))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments, one a limit")]
    fn new(
        generation: u64,
        enforce_metric_name: bool,
        utf8_names: bool,
        max_label_names_per_series: usize,
        max_label_name_length: usize,
        max_label_value_length: usize,
        max_labels_size_bytes: usize,
        reject_old_samples: bool,
        reject_old_samples_max_age_ms: i64,
        creation_grace_period_ms: i64,
        enforce_metadata_metric_name: bool,
        max_metadata_length: usize,
        max_native_histogram_buckets: usize,
        max_native_histogram_sample_size_bytes: usize,
        drop_labels: Vec<String>,
        remove_replica_label: Option<String>,
    ) -> Self {
        Self {
            limits: ValidationLimits {
                enforce_metric_name,
                enforce_metadata_metric_name,
                max_label_names_per_series,
                max_label_name_length,
                max_label_value_length,
                max_labels_size_bytes,
                max_metadata_length,
                reject_old_samples,
                reject_old_samples_max_age_ms,
                creation_grace_period_ms,
                max_native_histogram_buckets,
                max_native_histogram_sample_size_bytes,
                name_validation: if utf8_names { NameValidation::Utf8 } else { NameValidation::Legacy },
                skip_label_name_validation: false,
            },
            steps: Arc::new(LabelSteps {
                generation,
                relabel: None,
                replicas: remove_replica_label.map_or(Replicas::Keep, Replicas::Remove),
                drop_labels,
            }),
        }
    }
}

/// `WriteRequest`
#[pyclass(frozen, name = "WriteRequest", module = "neocortex._native")]
pub struct PyWriteRequest {
    pub(crate) batch: Arc<Mutex<WriteBatch>>,
    received: neocortex_wire::batch::Counts,
    from_rule: bool,
}

#[pymethods]
impl PyWriteRequest {
    #[staticmethod]
    fn decode<'py>(
        py: Python<'py>,
        pool: &Pool,
        body: PyBackedBytes,
        version: u8,
        max_bytes: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let decode = match version {
            1 => push_v1::decode,
            2 => push_v2::decode,
            _ => return Err(PyValueError::new_err(format!("no remote write version {version}"))),
        };
        pool.submit(
            py,
            move || decode(&body, max_bytes, &SECRET),
            |_, batch| {
                let (received, from_rule) = (batch.received(), batch.is_from_rule());
                Ok(Self { batch: Arc::new(Mutex::new(batch)), received, from_rule })
            },
        )
    }

    #[getter]
    fn samples(&self) -> u64 {
        self.received.floats
    }

    #[getter]
    fn histograms(&self) -> u64 {
        self.received.histograms
    }

    #[getter]
    fn exemplars(&self) -> u64 {
        self.received.exemplars
    }

    #[getter]
    fn metadata(&self) -> u64 {
        self.received.metadata
    }

    #[getter]
    fn is_from_rule(&self) -> bool {
        self.from_rule
    }

    /// Values of the cluster and the replica label of the first series; `None` without series.
    fn first_series_labels(&self, cluster_label: &str, replica_label: &str) -> Option<(String, String)> {
        self.batch.lock().first_series_labels(cluster_label, replica_label)
    }

    fn validate<'py>(
        &self,
        py: Python<'py>,
        pool: &Pool,
        limits: Py<PyValidationLimits>,
        tsdb: Option<&PyTsdb>,
        now_ms: i64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let batch = Arc::clone(&self.batch);
        let tsdb = tsdb.map(|tsdb| Arc::clone(&tsdb.tsdb));
        pool.submit(
            py,
            move || {
                let PyValidationLimits { limits, steps } = limits.get();
                let mut batch = batch.lock();
                let validated = match &tsdb {
                    Some(tsdb) => batch.validate(limits, steps, now_ms, tsdb.series_keys()),
                    None => batch.validate(limits, steps, now_ms, &NoKnownSeries),
                };
                Ok::<_, Failure>(PyValidated { validated })
            },
            |_, validated| Ok(validated),
        )
    }
}

/// `Validated`
#[pyclass(frozen, name = "Validated", module = "neocortex._native")]
pub struct PyValidated {
    validated: Validated,
}

#[pymethods]
impl PyValidated {
    /// Nothing of the request may be written; `error` says why.
    #[getter]
    fn refused(&self) -> bool {
        self.validated.refused
    }

    /// The first refusal.
    #[getter]
    fn error(&self) -> Option<&str> {
        self.validated.first_error.as_ref().map(|error| error.text.as_str())
    }

    #[getter]
    fn series(&self) -> u64 {
        self.validated.accepted.series
    }

    #[getter]
    fn samples(&self) -> u64 {
        self.validated.accepted.floats
    }

    #[getter]
    fn histograms(&self) -> u64 {
        self.validated.accepted.histograms
    }

    #[getter]
    fn exemplars(&self) -> u64 {
        self.validated.accepted.exemplars
    }

    #[getter]
    fn metadata(&self) -> u64 {
        self.validated.accepted.metadata
    }

    /// Time of the newest sample in milliseconds.
    #[getter]
    fn latest_sample_ms(&self) -> i64 {
        self.validated.latest_sample_ms
    }

    #[getter]
    fn discarded_samples(&self) -> BTreeMap<&'static str, u64> {
        self.discarded(Discarded::Samples)
    }

    #[getter]
    fn discarded_exemplars(&self) -> BTreeMap<&'static str, u64> {
        self.discarded(Discarded::Exemplars)
    }

    #[getter]
    fn discarded_metadata(&self) -> BTreeMap<&'static str, u64> {
        self.discarded(Discarded::Metadata)
    }
}

impl PyValidated {
    fn discarded(&self, kind: Discarded) -> BTreeMap<&'static str, u64> {
        let of_kind = self.validated.discarded.iter().filter(|(of, _, _)| *of == kind);
        of_kind.map(|(_, reason, n)| (reason.as_str(), n)).collect()
    }
}

/// Adds the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyValidationLimits>()?;
    module.add_class::<PyWriteRequest>()?;
    module.add_class::<PyValidated>()
}
