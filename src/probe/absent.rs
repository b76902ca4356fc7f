//! Stands in for the probe in a library without the feature `probe`.

use std::time::Duration;

use crate::error::{Error, Result, Status};

pub fn probe(_options_json: &str, _wait: Option<Duration>) -> Result<String> {
    Err(Error::new(Status::Unsupported, "this library was built without the feature probe")
        .with("remedy", "build the library with its default features"))
}
