//! Places of the Python side where a test has the process die.

use neocortex_tsdb::failpoint::reach;
use pyo3::prelude::*;

/// The process dies here if `NEOCORTEX_DIE_AT` names the label.
#[pyfunction]
fn failpoint(label: &str) {
    reach(label);
}

/// Adds the function to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(failpoint, module)?)
}
