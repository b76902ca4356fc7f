//! Everything that a start needs, put together.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::document::invalid;
use super::platform::Platform;
use super::table::{Row, To, rows};
use super::{Options, combine, environment, extra, made};
use crate::error::{Error, quotable};
use crate::protocol::tree;

/// What the host has registered with the client before the start.
#[derive(Debug, Clone, Default)]
pub struct Features {
    pub permission_handler: bool,
    /// The value of the initialize field `hooks`.
    pub hooks: Option<Value>,
    /// In-process MCP servers: name, and what initialize is to say about them (`timeout`, `tools`) or null.
    pub sdk_mcp_servers: Vec<(String, Value)>,
    pub dialog_kinds: Vec<String>,
    /// The host brings its own transport, so that files written here may not exist where the CLI runs.
    pub host_transport: bool,
    /// The CLI is one that cannot wait for initialize before it does anything else.
    pub no_early_initialize: bool,
}

/// What a CLI that reads nothing early in initialize has to read as a file. The argument is `flag=path`.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateFile {
    pub flag: &'static str,
    /// A fitting file name, without a folder.
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
    /// The argument for the file when it has been written to `path`.
    pub fn argument(&self, path: &Path) -> OsString {
        let mut argument = OsString::from(format!("{}=", self.flag));
        argument.push(path);
        argument
    }
}

#[derive(Clone)]
pub struct Launch {
    /// The arguments without those of `private_files`, which may be put at the end.
    pub args: Vec<OsString>,
    /// As `args`, for error documents: without the values of flags that this library does not know, and cut where long.
    pub shown_args: Vec<String>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// With a launcher, what of it the options and this library set, or remove (`None`): its CLI does not inherit `env`.
    pub own_env: Vec<(OsString, Option<OsString>)>,
    pub cwd: Option<PathBuf>,
    pub cli_path: Option<PathBuf>,
    pub user: Option<String>,
    pub launcher: Option<Vec<String>>,
    /// The initialize request; it must be the first line on stdin.
    pub initialize: Map<String, Value>,
    pub private_files: Vec<PrivateFile>,
    /// Members that the response to initialize must have as `true` before a prompt is sent: where one is missing or
    /// false, the CLI did not take what the initialize request carried (settings with rules, for instance).
    pub must_be_applied: Vec<&'static str>,
    pub connect_timeout: Duration,
    /// Things that are allowed and probably not meant.
    pub warnings: Vec<String>,
}

/// Without the values of variables and fields, which may be secret.
impl fmt::Debug for Launch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<&OsString> = self.env.iter().map(|(name, _)| name).collect();
        let fields: Vec<&String> = self.initialize.keys().collect();
        formatter
            .debug_struct("Launch")
            .field("args", &self.args)
            .field("env", &variables)
            .field("cwd", &self.cwd)
            .field("cli_path", &self.cli_path)
            .field("launcher", &self.launcher)
            .field("initialize", &fields)
            .field("private_files", &self.private_files)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// One argument and the option that made it.
#[derive(Debug, Clone)]
pub struct Arg {
    pub pointer: String,
    pub text: String,
}

impl Arg {
    /// What an unknown flag carries may be secret.
    fn shown(&self) -> String {
        match self.text.split_once('=') {
            Some((flag, _)) if self.pointer.starts_with("/extra_args/") => format!("{flag}=…"),
            _ => quotable(&self.text).into_owned(),
        }
    }
}

/// The launch while it is being put together.
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

impl Options {
    /// The start for these options, the host's registrations and the host's environment.
    pub fn launch(&self, features: &Features, host_env: &[(OsString, OsString)]) -> Result<Launch, Error> {
        self.launch_on(Platform::HOST, features, host_env)
    }

    /// As [`Options::launch`], by the rules of the given system.
    pub fn launch_on(
        &self,
        platform: Platform,
        features: &Features,
        host_env: &[(OsString, OsString)],
    ) -> Result<Launch, Error> {
        combine::check_start(self, features, platform)?;
        let mut builder = Builder::new(self, features);
        for row in rows() {
            if let Some(value) = self.get(row.name) {
                builder.put(row, value);
            }
        }
        made::put_all(&mut builder)?;
        builder.put_extra()?;
        builder.measure(platform)?;
        let mut warnings = std::mem::take(&mut builder.warnings);
        warnings.extend(combine::unheard(self, features, &builder.args));
        let env = environment::build(self, host_env, platform, &mut warnings);
        let connect_timeout = environment::connect_timeout(self, host_env, &mut warnings);
        Ok(Launch {
            shown_args: builder.args.iter().map(Arg::shown).collect(),
            args: builder.args.into_iter().map(|arg| arg.text.into()).collect(),
            env,
            own_env: if self.launcher.is_some() { environment::own(self) } else { Vec::new() },
            cwd: self.cwd.as_ref().map(PathBuf::from),
            cli_path: self.cli_path.as_ref().map(PathBuf::from),
            user: self.user.clone(),
            launcher: self.launcher.clone(),
            initialize: builder.initialize,
            private_files: builder.private_files,
            must_be_applied: builder.must_be_applied,
            connect_timeout: Duration::from_millis(connect_timeout),
            warnings,
        })
    }
}

impl<'a> Builder<'a> {
    fn new(options: &'a Options, features: &'a Features) -> Builder<'a> {
        let mut builder = Builder {
            options,
            features,
            args: Vec::new(),
            initialize: Map::new(),
            private_files: Vec::new(),
            must_be_applied: Vec::new(),
            early_fields: Vec::new(),
            await_initialize: false,
            warnings: [
                combine::shadowing(options, features),
                combine::idle(options),
                combine::unknown_tools(options),
            ]
            .concat(),
        };
        for word in ["--output-format", "stream-json", "--verbose", "--input-format", "stream-json"] {
            builder.args.push(Arg { pointer: String::new(), text: word.into() });
        }
        builder.initialize.insert("subtype".into(), "initialize".into());
        builder
    }

    /// Whether files written here may not exist where the CLI runs.
    pub fn is_remote(&self) -> bool {
        self.features.host_transport || self.options.launcher.is_some()
    }

    /// `--flag=value`: one word, so that no value can pass for a flag.
    pub fn flag(&mut self, option: &str, flag: &str, value: &str) {
        self.args.push(Arg { pointer: format!("/{option}"), text: format!("{flag}={value}") });
    }

    pub fn switch(&mut self, option: &str, flag: &str) {
        self.args.push(Arg { pointer: format!("/{option}"), text: flag.into() });
    }

    pub fn field(&mut self, name: &str, value: impl Into<Value>) {
        self.initialize.insert(name.into(), value.into());
    }

    /// The rows that need no code of their own.
    fn put(&mut self, row: &Row, value: &Value) {
        match row.to {
            To::Flag(flag) => self.flag(row.name, flag, &joined(value)),
            To::FlagUnlessEmpty(flag) if !joined(value).is_empty() => {
                self.flag(row.name, flag, &joined(value))
            }
            To::Repeated(flag) => {
                for item in value.as_array().into_iter().flatten() {
                    self.flag(row.name, flag, &joined(item));
                }
            }
            To::Switch(flag) if *value == true => self.switch(row.name, flag),
            To::SwitchOff(flag) if *value == false => self.switch(row.name, flag),
            To::Initialize(field) => self.field(field, tree::copy(value)),
            To::InitializeIfTrue(field) if *value == true => self.field(field, true),
            _ => {}
        }
    }

    fn put_extra(&mut self) -> Result<(), Error> {
        if self.await_initialize {
            self.switch("", "--await-initialize");
        }
        if !self.early_fields.is_empty() {
            let fields = self.early_fields.join(",");
            self.flag("", "--initialize-fields", &fields);
        }
        if let Some(flags) = self.options.get("extra_args").and_then(Value::as_object) {
            extra::check_conflicts(flags, self)?;
            for (name, value) in flags {
                let text = extra::argument(name, value);
                self.args.push(Arg { pointer: super::child("/extra_args", name), text });
            }
        }
        match self.options.get("extra_initialize").and_then(Value::as_object) {
            Some(more) => extra::merge_fields(&mut self.initialize, more, "/extra_initialize"),
            None => Ok(()),
        }
    }

    /// A command line that the system refuses is reported by it in words that point elsewhere ("not found", error
    /// 206), so the option at fault is named here.
    fn measure(&self, platform: Platform) -> Result<(), Error> {
        let size = |arg: &Arg| arg.text.len() + 1;
        let total: usize = self.args.iter().map(size).sum();
        let Some(longest) = self.args.iter().max_by_key(|arg| size(arg)) else { return Ok(()) };
        if size(longest) <= platform.one_argument() && total <= platform.all_arguments() {
            return Ok(());
        }
        let fault = format!("the value takes {} bytes, more than a command line can hold", size(longest));
        Err(invalid(
            &longest.pointer,
            fault,
            "shorten it, or move it to a settings file that the option settings names",
        ))
    }
}

/// A value as the text of an argument.
pub fn joined(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(joined).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
