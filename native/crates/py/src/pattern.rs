//! Regular expressions of the configuration, matched in linear time whatever the text.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use regex::Regex;

/// `Pattern`
#[pyclass(frozen, name = "Pattern", module = "neocortex._native")]
pub struct PyPattern {
    regex: Regex,
}

#[pymethods]
impl PyPattern {
    #[new]
    fn new(pattern: &str) -> PyResult<Self> {
        let regex = Regex::new(pattern).map_err(|e| PyValueError::new_err(e.to_string()))?;
        Ok(Self { regex })
    }

    fn found_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Adds the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyPattern>()
}
