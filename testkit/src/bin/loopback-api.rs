//! `loopback-api`: the loopback Messages API as a program. See `testkit/README.md`.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use claude_testkit::Sandbox;
use claude_testkit::loopback::{Config, Loopback, parse_rules};

const USAGE: &str = "\
usage: loopback-api [options]                  serve until killed; the first line on stdout is the URL
       loopback-api [options] -- COMMAND ARG…  run COMMAND in a fresh sandbox against the API, exit with its code

options:
  --port N            listen on 127.0.0.1:N (default: any free port)
  --port-file FILE    write the port number to FILE once listening
  --log FILE          append every request to FILE as one JSON line
  --script FILE       rules that come before the built-in keyword answers (JSON, see testkit/README.md)
  --exit-with-stdin   end when stdin ends, so that no server outlives its starter
  --overlay           with a COMMAND: keep its other environment variables
  --here              with a COMMAND: stay in the current directory";

#[derive(Default)]
struct Options {
    config: Config,
    port_file: Option<PathBuf>,
    exit_with_stdin: bool,
    overlay: bool,
    here: bool,
    command: Vec<std::ffi::OsString>,
}

fn main() -> ExitCode {
    let options = match parse(lexopt::Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return fail(&format!("{error}\n{USAGE}"), 2),
    };
    run(options).unwrap_or_else(|error| fail(&error, 1))
}

fn fail(text: &str, code: u8) -> ExitCode {
    eprintln!("loopback-api: {text}");
    ExitCode::from(code)
}

fn parse(mut parser: lexopt::Parser) -> Result<Option<Options>, String> {
    use lexopt::prelude::*;
    let text = |error: lexopt::Error| error.to_string();
    let mut options = Options::default();
    while let Some(argument) = parser.next().map_err(text)? {
        match argument {
            Long("port") => options.config.port = parser.value().and_then(|v| v.parse()).map_err(text)?,
            Long("port-file") => options.port_file = Some(parser.value().map_err(text)?.into()),
            Long("log") => options.config.log = Some(parser.value().map_err(text)?.into()),
            Long("script") => {
                let path = PathBuf::from(parser.value().map_err(text)?);
                let script =
                    std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                options.config.rules =
                    parse_rules(&script).map_err(|e| format!("{}: {e}", path.display()))?;
            }
            Long("exit-with-stdin") => options.exit_with_stdin = true,
            Long("overlay") => options.overlay = true,
            Long("here") => options.here = true,
            Long("help") | Short('h') => return Ok(None),
            Value(program) => {
                options.command.push(program);
                options.command.extend(parser.raw_args().map_err(text)?);
            }
            other => return Err(text(other.unexpected())),
        }
    }
    Ok(Some(options))
}

fn run(options: Options) -> Result<ExitCode, String> {
    let api = Loopback::with_config(options.config).map_err(|e| format!("cannot start: {e}"))?;
    if let Some(path) = &options.port_file {
        std::fs::write(path, api.port().to_string()).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    if let Some((program, arguments)) = options.command.split_first() {
        let sandbox = Sandbox::try_new().map_err(|e| format!("sandbox: {e}"))?.with_api(api.url());
        let mut command = if options.overlay { sandbox.overlay(program) } else { sandbox.command(program) };
        if options.here {
            command.current_dir(std::env::current_dir().map_err(|e| e.to_string())?);
        }
        return run_command(command.args(arguments));
    }
    println!("{}", api.url());
    std::io::stdout().flush().map_err(|e| e.to_string())?;
    if options.exit_with_stdin {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        std::thread::park();
    }
}

fn run_command(command: &mut Command) -> Result<ExitCode, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let_ctrl_c_pass()?;
    let status = command.status().map_err(|e| format!("cannot run {name}: {e}"))?;
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Ok(ExitCode::from(128u8.saturating_add(signal as u8)));
    }
    Ok(ExitCode::from(status.code().unwrap_or(1) as u8))
}

/// Ctrl-C is for the command alone, which may go on after it. A handler, unlike "ignore", is not inherited.
fn let_ctrl_c_pass() -> Result<(), String> {
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGINT, std::sync::Arc::default())
        .map_err(|e| format!("cannot catch Ctrl-C: {e}"))?;
    Ok(())
}
