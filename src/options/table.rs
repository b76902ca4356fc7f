//! The one table of options. Parsing, the list of known names, the suggestions, most of the command line, the
//! reference (`docs/options.md`) and the JSON schema all come from it.

use super::row::Row;
use super::{rows_host, rows_model, rows_session, rows_tools};

/// In the order of the reference; these are its chapters.
pub const CHAPTERS: [&[Row]; 6] = [
    rows_model::ROWS,
    rows_tools::ROWS,
    rows_session::ROWS,
    rows_host::PROCESS,
    rows_host::LIBRARY,
    rows_host::REFUSED,
];

pub fn rows() -> impl Iterator<Item = &'static Row> {
    CHAPTERS.into_iter().flatten()
}

pub fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}
