//! The check of the data of an object, which starts nothing and commits nothing.

use std::sync::Arc;

use crate::object::activation::turn::own_turn;
use crate::object::{DataFailure, ObjectContext, ObjectHandle};
use crate::storage::StorageError;

/// Converts the data of an object that hibernates in a turn that is not committed, and reads it.
pub(crate) fn check_data(handle: &Arc<ObjectHandle>) -> Result<(), DataFailure> {
    let mut store = handle.store();
    store.warm().map_err(|error| {
        let error = error.into_error();
        DataFailure::new(error.code(), "file", error)
    })?;
    let object = ObjectContext::new(handle.clone(), store);
    let mut checked = Ok(());
    let ended = own_turn(&object, || {
        checked = handle.behavior.check(&object);
        Ok(())
    });
    let (store, _) = object.lock().end();
    if let Some(store) = store {
        store.abandon();
    }
    // A reference that does not hold is found at the end of the turn.
    checked.and(ended.map_err(|error| match error.downcast_ref::<StorageError>() {
        Some(_) => DataFailure::new(error.code(), "end of the turn", error),
        None => DataFailure::of_state(&error),
    }))
}
