//! The launch under construction: the host's registrations, and what each option adds.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use super::checked::Options;
use crate::error::quotable;

/// What the host has registered with the client before the start.
#[derive(Debug, Clone, Default)]
pub struct Features {
    pub permission_handler: bool,
    /// The value of the initialize field `hooks`.
    pub hooks: Option<Value>,
    /// In-process MCP servers: name, and what initialize says about them (`timeout`, `tools`) or null.
    pub sdk_mcp_servers: Vec<(String, Value)>,
    pub dialog_kinds: Vec<String>,
    /// The host provides its own transport, so files written here may not exist where the CLI runs.
    pub host_transport: bool,
    /// The session is kept in a store provided by the host.
    pub session_store: bool,
    /// The CLI waits to be claimed by a session.
    pub spare: bool,
    /// The CLI cannot wait for initialize before it does anything else.
    pub no_early_initialize: bool,
}

/// What a CLI that does not read initialize early must read from a file instead. The argument is `flag=path`.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateFile {
    pub flag: &'static str,
    /// A suitable file name, without a folder.
    pub name: &'static str,
    pub contents: String,
}

/// The contents may be secret and stay out of logs.
impl fmt::Debug for PrivateFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PrivateFile {{ {}={}, {} bytes }}", self.flag, self.name, self.contents.len())
    }
}

impl PrivateFile {
    /// The argument for the file once it has been written to `path`.
    pub fn argument(&self, path: &Path) -> OsString {
        let mut argument = OsString::from(format!("{}=", self.flag));
        argument.push(path);
        argument
    }
}

/// One argument and the option that made it.
#[derive(Debug, Clone)]
pub struct Arg {
    pub pointer: String,
    pub text: String,
}

impl Arg {
    /// The value of an unknown flag may be secret.
    pub fn shown(&self) -> String {
        match self.text.split_once('=') {
            Some((flag, _)) if self.pointer.starts_with("/extra_args/") => format!("{flag}=…"),
            _ => quotable(&self.text).into_owned(),
        }
    }
}

/// The launch under construction.
pub struct Builder<'a> {
    pub options: &'a Options,
    pub features: &'a Features,
    pub args: Vec<Arg>,
    pub initialize: Map<String, Value>,
    pub private_files: Vec<PrivateFile>,
    pub must_be_applied: Vec<&'static str>,
    /// Fields of initialize that the CLI must read before it does anything else.
    pub early_fields: Vec<&'static str>,
    pub await_initialize: bool,
    pub warnings: Vec<String>,
}

impl Builder<'_> {
    /// Whether files written here may not exist where the CLI runs.
    pub fn is_remote(&self) -> bool {
        self.features.host_transport || self.options.launcher.is_some()
    }

    /// `--flag=value` as one word, so that no value can be taken for a flag.
    pub fn flag(&mut self, option: &str, flag: &str, value: &str) {
        self.args.push(Arg { pointer: format!("/{option}"), text: format!("{flag}={value}") });
    }

    pub fn switch(&mut self, option: &str, flag: &str) {
        self.args.push(Arg { pointer: format!("/{option}"), text: flag.into() });
    }

    pub fn field(&mut self, name: &str, value: impl Into<Value>) {
        self.initialize.insert(name.into(), value.into());
    }
}

/// A value as argument text.
pub fn joined(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(joined).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
