//! Handing columns out by the Arrow C data interface, as the PyCapsule interface wants them.

use arrow_array::{Array, RecordBatchIterator, StructArray};

use crate::{Table, TableError};

pub use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
pub use arrow_array::ffi_stream::FFI_ArrowArrayStream;

impl Table {
    /// The columns as one struct array, with its schema. The memory is shared, and freed when the last holder lets go.
    ///
    /// # Errors
    /// [`TableError::Arrow`]
    pub fn to_c_array(&self) -> Result<(FFI_ArrowSchema, FFI_ArrowArray), TableError> {
        let columns = StructArray::from(self.batch().clone()).to_data();
        Ok((self.to_c_schema()?, FFI_ArrowArray::new(&columns)))
    }

    /// The schema.
    ///
    /// # Errors
    /// [`TableError::Arrow`]
    pub fn to_c_schema(&self) -> Result<FFI_ArrowSchema, TableError> {
        Ok(FFI_ArrowSchema::try_from(&*self.batch().schema())?)
    }

    /// The columns as a stream of one array; memory as in [`Self::to_c_array`].
    #[must_use]
    pub fn to_c_stream(&self) -> FFI_ArrowArrayStream {
        let batch = self.batch().clone();
        let schema = batch.schema();
        FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
    }
}
