//! Functions for the fuzz targets in `fuzz/`; not public API.
//!
//! Each function takes any bytes and panics when an invariant does not hold.

mod arguments;
mod attachment;
mod close;
mod frames;
mod json;
mod routes;

pub use arguments::arguments;
pub use attachment::attachment;
pub use close::close_frames;
pub use frames::frames;
pub use json::json_frames;
pub use routes::routes;
