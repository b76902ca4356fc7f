//! Assembles everything that a start needs.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::builder::{Arg, Builder, Features, PrivateFile, joined};
use super::checked::Options;
use super::document::{child, invalid};
use super::platform::Platform;
use super::row::{Row, To};
use super::table::rows;
use super::{combine, custom, environment, extra};
use crate::error::Error;
use crate::protocol::tree;

#[derive(Clone)]
pub struct Launch {
    /// The arguments without those of `private_files`, which may be appended.
    pub args: Vec<OsString>,
    /// As `args`, for error documents: without the values of flags unknown to this library, and truncated where long.
    pub shown_args: Vec<String>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// With a launcher: the variables that the options and this library set or remove (`None`), since its CLI
    /// does not inherit `env`.
    pub own_env: Vec<(OsString, Option<OsString>)>,
    pub cwd: Option<PathBuf>,
    pub cli_path: Option<PathBuf>,
    pub user: Option<String>,
    pub launcher: Option<Vec<String>>,
    /// The initialize request; it must be the first line on stdin.
    pub initialize: Map<String, Value>,
    pub private_files: Vec<PrivateFile>,
    /// Members that the response to initialize must have as `true` before a prompt is sent: if one is missing
    /// or false, the CLI did not apply what the initialize request carried (settings with rules, for instance).
    pub must_be_applied: Vec<&'static str>,
    pub connect_timeout: Duration,
    /// Things that are allowed but probably not intended.
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

impl Options {
    /// The launch for these options, the host's registrations and the host's environment.
    pub fn launch(&self, features: &Features, host_env: &[(OsString, OsString)]) -> Result<Launch, Error> {
        self.launch_on(Platform::HOST, features, host_env)
    }

    /// As [`Options::launch`], with the rules of the given system.
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
        custom::put_all(&mut builder)?;
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
                self.args.push(Arg { pointer: child("/extra_args", name), text });
            }
        }
        match self.options.get("extra_initialize").and_then(Value::as_object) {
            Some(more) => extra::merge_fields(&mut self.initialize, more, "/extra_initialize"),
            None => Ok(()),
        }
    }

    /// A command line that the system refuses fails with a misleading error ("not found", error 206), so the
    /// option at fault is named here.
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
