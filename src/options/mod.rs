//! The options of a client: one JSON document in, everything that a start needs out.
//!
//! [`parse`] checks the document against the table in [`table`]; [`Options::launch`] turns it into the command line,
//! the environment and the initialize request. Nothing is started here, and nothing is read from the disk but a
//! settings file that a `sandbox` must be merged into.
//!
//! Nothing large or secret goes on the command line: what the initialize request takes goes there, and the rest into
//! private files.

pub mod bypass;
mod combine;
pub mod document;
mod environment;
mod extra;
mod host;
mod launch;
pub mod login;
mod made;
mod platform;
mod reference;
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

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{Error, quotable};
use crate::names::nearest;
pub use document::{child, invalid};
pub use environment::{DENY_LIST, OF_ANOTHER_START};
pub use host::{Record, Replay};
pub use launch::{Features, Launch, PrivateFile};
pub use platform::{Platform, is_batch_file};
pub use reference::{markdown, schema};
use table::{Row, To, rows};

/// Options that have been checked. The public members are those that this library itself acts on.
#[derive(Clone)]
pub struct Options {
    values: Map<String, Value>,
    pub cli_path: Option<String>,
    pub cwd: Option<String>,
    pub user: Option<String>,
    pub launcher: Option<Vec<String>>,
    /// Not given: [`Launch::connect_timeout`] has the value in force.
    pub connect_timeout: Option<Duration>,
    pub control_timeout: Duration,
    pub graceful_exit_timeout: Duration,
    /// After so long a silence the host is told of it, and after so long a turn; zero = never.
    pub stalled_after: Duration,
    pub long_turn_after: Duration,
    pub terminate_timeout: Duration,
    pub max_message_bytes: usize,
    pub max_queue_bytes: usize,
    pub stderr_tail_bytes: usize,
    /// How long a request of the CLI may stay open; `None` = for ever.
    pub request_timeout: Option<Duration>,
    /// It is answered with an error then, not with the refusal that fits its kind.
    pub request_timeout_is_error: bool,
    pub validate_json: bool,
    pub text_deltas: bool,
    pub turn_events: bool,
    pub verbatim_prompts: bool,
    pub record: Option<Record>,
    pub replay: Option<Replay>,
}

/// Reads and checks the document. Empty text stands for `{}`.
pub fn parse(json: &str) -> Result<Options, Error> {
    let mut values = Map::new();
    for (name, mut value) in document::read(json)? {
        let pointer = child("", &name);
        let row = table::find(&name).ok_or_else(|| unknown(&name, &pointer))?;
        if let To::Refused(instead) = row.to {
            return Err(refused(&pointer, instead));
        }
        // Null is "not set" everywhere, so that a host can write every member of a struct.
        if !value.is_null() {
            row.shape.tidy(&mut value);
            check(row, &value, &pointer)?;
            values.insert(name, value);
        }
    }
    combine::check(&values)?;
    Ok(host::options(values))
}

/// Names only: values may be secret.
impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

impl Default for Options {
    fn default() -> Options {
        host::options(Map::new())
    }
}

impl Options {
    /// The checked value of an option, None when it is not set.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// All that are set, as one document.
    pub fn document(&self) -> &Map<String, Value> {
        &self.values
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Those that are set and that not every CLI knows, with the first version that does.
    pub fn not_always_known(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let is_set = |row: &&Row| self.get(row.name).is_some_and(|value| *value != false);
        rows().filter(|row| !row.since_cli.is_empty()).filter(is_set).map(|row| (row.name, row.since_cli))
    }

    /// What to do about a CLI that does not know this flag of ours, and the pointer of the option that made it.
    pub fn without_flag(&self, flag: &str) -> (String, Option<String>) {
        const EARLY: &[&str] =
            &["--await-initialize", "--initialize-fields", "--managed-settings-in-initialize"];
        if EARLY.contains(&flag) {
            let ways = [
                ("plugins", "set plugin_delivery to \"argv\""),
                ("mcp_servers", "set mcp_servers_delivery to \"file\""),
                ("settings", "name a file of your own in settings"),
                ("sandbox", "name a file of your own in settings, with the sandbox in it"),
                ("managed_settings", "leave out managed_settings"),
            ];
            let used = ways.iter().filter(|(option, _)| self.get(option).is_some());
            let instead: Vec<&str> = used.map(|(_, way)| *way).collect();
            let remedy = "this CLI takes nothing early in initialize: update it";
            return match instead.is_empty() {
                true => (remedy.to_owned(), None),
                false => (format!("{remedy}, or {}", instead.join(" and ")), None),
            };
        }
        let name = flag.trim_start_matches('-');
        let extra =
            self.get("extra_args").and_then(|flags| flags.get(name)).map(|_| child("/extra_args", name));
        let made = || {
            rows().find(|row| row.makes(flag) && self.get(row.name).is_some()).map(|row| child("", row.name))
        };
        match extra.or_else(made) {
            Some(pointer) => (format!("update the CLI, or leave out {pointer}"), Some(pointer)),
            None => ("update the CLI".to_owned(), None),
        }
    }

    /// Whether an option is set to true.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        self.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

fn check(row: &Row, value: &Value, pointer: &str) -> Result<(), Error> {
    row.shape.check(value, pointer)?;
    match nul_in(value, pointer).filter(|_| row.is_c_text()) {
        Some(place) => {
            Err(invalid(&place, "the text contains NUL".into(), "remove it: the system cannot pass it on"))
        }
        None => Ok(()),
    }
}

/// The place of a text with NUL in it.
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
