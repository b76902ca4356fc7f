//! Chooses the transport, and prepares what a child process needs before it can be started.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use super::Client;
use super::connect::Plan;
use super::inbound::Inbound;
use super::life::Launched;
use super::recorded::{Recording, start_replay};
use crate::error::{Error, Result, Status};
use crate::log;
use crate::options::Launch;
use crate::process::Command;
use crate::sync::lock;
use crate::transport::find_cli::{self, Found};
use crate::transport::launcher::{self, Kind};
use crate::transport::subprocess::{Start, Subprocess};
use crate::transport::{Transport, private_files::PrivateFiles};

/// Creates the session's transport; it still has to be opened. The order of preference is decided only here.
pub(super) async fn start_transport(
    client: &Arc<Client>,
    plan: Plan,
    launched: Launched,
) -> Result<Arc<dyn Transport>> {
    let inbound = || Inbound::new(client, launched);
    // First, so that a replay also works for a program with its own transport.
    if let Some(replay) = client.options.replay.clone() {
        return start_replay(client, inbound(), replay, &plan.environment).await;
    }
    if client.host.is_given() {
        let recording = Recording::begin(client, || (None, plan.environment.to_vec())).await;
        if let Some(transport) = client.start_host(recording.sink(inbound())) {
            return Ok(recording.around(transport));
        }
    }
    start_process(client, plan, inbound()).await
}

async fn start_process(
    client: &Arc<Client>,
    plan: Plan,
    inbound: Arc<Inbound>,
) -> Result<Arc<dyn Transport>> {
    let host_environment = plan.environment.clone();
    let argv = plan.launch.shown_args.clone();
    let start = prepare(client, plan).await?;
    let path = start.command.program.display().to_string();
    log::info(|| format!("starting {path} with {} arguments", start.command.args.len()));
    {
        let mut state = lock(&client.state);
        state.cli_path = Some(path);
        state.argv = Some(argv);
    }
    let recording = Recording::begin(client, || {
        let environment = host_environment.iter().chain(&start.command.env).cloned().collect();
        (Some(start.command.program.clone()), environment)
    });
    let recording = recording.await;
    if client.is_closing() {
        return Err(Error::new(Status::Cancelled, "the session is closing"));
    }
    let transport = Subprocess::start(start, recording.sink(inbound)).await?;
    Ok(recording.around(transport))
}

async fn prepare(client: &Client, plan: Plan) -> Result<Start> {
    let Plan { launch, environment, .. } = plan;
    let options = &client.options;
    let stderr_tail_bytes = options.stderr_tail_bytes;
    let may_be_slow = touches_disk(&launch);
    let prepare = move || -> Result<Start> {
        let private_files = PrivateFiles::write(&launch.private_files, launch.user.as_deref())?;
        let args = launch.args.iter().chain(&private_files.arguments).cloned().collect();
        let (mut command, first_line) = command(launch, &environment, args)?;
        command.inherited.clone_from(&private_files.inherited);
        Ok(Start { command, first_line, private_files, stderr_tail_bytes })
    };
    if !may_be_slow {
        return prepare();
    }
    let preparing = tokio::task::spawn_blocking(prepare);
    preparing.await.unwrap_or_else(|_| Err(Error::new(Status::Closed, "the library is shutting down")))
}

/// Locating the CLI and writing private files do.
fn touches_disk(launch: &Launch) -> bool {
    let is_given = launch.cli_path.as_ref().is_some_and(|path| path.is_absolute());
    !is_given || launch.launcher.is_some() || !launch.private_files.is_empty()
}

/// The command to start, and the first line of its stdin.
pub fn command(
    launch: Launch,
    environment: &[(OsString, OsString)],
    args: Vec<OsString>,
) -> Result<(Command, Option<Vec<u8>>)> {
    let Some(launcher) = &launch.launcher else {
        let Found { path, .. } = find_cli::find(launch.cli_path.as_deref(), environment)?;
        return Ok((
            Command {
                program: path,
                args,
                env: launch.env,
                cwd: launch.cwd,
                user: launch.user,
                ..Command::default()
            },
            None,
        ));
    };
    let program = find_launcher(launcher, environment)?;
    let kind = Kind::of(&program, &launcher[1..]);
    // The launcher decides where the CLI is located, so its path is not checked here.
    let cli = launch.cli_path.map_or("claude".into(), PathBuf::into_os_string);
    let words = kind.words(std::iter::once(cli).chain(args).collect());
    let args = launcher[1..].iter().map(OsString::from).chain(words).collect();
    let (cwd, first_line) = match kind.is_remote() {
        true => (None, Some(launcher::first_line(launch.cwd.as_deref(), &launch.own_env)?)),
        false => (launch.cwd, None),
    };
    let command = Command { program, args, env: launch.env, cwd, user: launch.user, ..Command::default() };
    Ok((command, first_line))
}

fn find_launcher(words: &[String], environment: &[(OsString, OsString)]) -> Result<PathBuf> {
    let name = words.first().map(String::as_str).unwrap_or_default();
    if name.contains(std::path::is_separator) {
        return Ok(PathBuf::from(name));
    }
    let mut searched = Vec::new();
    find_cli::in_path(name.as_ref(), environment, &mut searched).ok_or_else(|| {
        Error::new(Status::CliNotFound, format!("the launcher {name} was not found in PATH"))
            .with("phase", "find_cli")
            .with("pointer", "/launcher/0")
            .with("searched", searched)
    })
}
