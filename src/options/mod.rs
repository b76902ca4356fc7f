//! The options of a client: one JSON document in, everything that a start needs out.
//!
//! [`parse`] checks the document against the table in [`table`]; [`Options::launch`] turns it into the command line,
//! the environment and the initialize request. Nothing is started here, and nothing is read from the disk but a
//! settings file that a `sandbox` must be merged into.
//!
//! Nothing large or secret goes on the command line: what the initialize request takes goes there, and the rest into
//! private files.

mod builder;
pub mod bypass;
mod checked;
mod claim;
mod combine;
mod custom;
pub mod document;
mod environment;
mod extra;
mod host;
mod launch;
pub mod login;
mod platform;
mod prose;
#[cfg(feature = "internals")]
mod reference;
pub mod row;
mod rows_host;
mod rows_model;
mod rows_session;
mod rows_tools;
mod rules;
mod sandbox;
mod servers;
mod settings;
mod shape;
pub mod table;

use serde_json::{Map, Value};

use crate::error::{Error, quotable};
use crate::names::nearest;
pub use builder::{Features, PrivateFile};
pub use checked::{Options, Replay};
pub use claim::Claim;
pub use custom::AWAIT_CLAIM;
pub use document::{child, invalid};
#[cfg(feature = "internals")]
pub use environment::{DENY_LIST, OF_ANOTHER_START};
pub use launch::Launch;
#[cfg(feature = "internals")]
pub use platform::is_batch_file;
pub use platform::{HOME, Platform, TMPDIR, is_variable};
#[cfg(feature = "internals")]
pub use reference::{markdown, schema};
use row::{Row, To};
use table::rows;

/// Reads and checks the document. Empty text stands for `{}`.
pub fn parse(json: &str) -> Result<Options, Error> {
    let mut values = Map::new();
    for (name, mut value) in document::read(json)? {
        let pointer = child("", &name);
        let row = table::find(&name).ok_or_else(|| unknown(&name, &pointer))?;
        if let To::Refused(instead) = row.to {
            return Err(refused(&pointer, instead));
        }
        // Null means "not set" everywhere, so a host can write every member of a struct.
        if !value.is_null() {
            row.shape.tidy(&mut value);
            check(row, &value, &pointer)?;
            values.insert(name, value);
        }
    }
    combine::check(&values)?;
    Ok(host::options(values))
}

fn check(row: &Row, value: &Value, pointer: &str) -> Result<(), Error> {
    row.shape.check(value, pointer, row.other_word())?;
    match nul_in(value, pointer).filter(|_| row.is_c_text()) {
        Some(place) => {
            Err(invalid(&place, "the text contains NUL".into(), "remove it: the system cannot pass it on"))
        }
        None => Ok(()),
    }
}

/// The location of a text that contains NUL.
fn nul_in(value: &Value, pointer: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| pointer.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(i, v)| nul_in(v, &child(pointer, &i.to_string())))
        }
        Value::Object(members) => members.iter().find_map(|(k, v)| nul_in(v, &child(pointer, k))),
        _ => None,
    }
}

fn refused(pointer: &str, instead: &str) -> Error {
    invalid(pointer, "this is not an option of this library".into(), instead)
}

fn unknown(name: &str, pointer: &str) -> Error {
    // The TypeScript SDK's spelling of an option, whatever that option is called here.
    let foreign = rows().find(|row| row.typescript == name || rules::snake(name) == row.name);
    if let Some(To::Refused(instead)) = foreign.map(|row| row.to) {
        return refused(pointer, instead);
    }
    let names = rows().map(|row| row.name);
    let known = foreign.map(|row| row.name).or_else(|| nearest(name, names));
    let remedy = match known {
        Some(known) => format!("did you mean \"{known}\"?"),
        None => "docs/options.md lists the options; a flag of the CLI can be given by extra_args, a member of the \
                 initialize request by extra_initialize"
            .to_owned(),
    };
    invalid(pointer, format!("unknown option \"{}\"", quotable(name)), &remedy).with_opt("nearest", known)
}
