//! The environment that the CLI would get: nesting, PATH, shell, proxies.

#[cfg(unix)]
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Report, Subject, variable};
use crate::options::bypass;
use crate::session::skips_permissions_as_root;
use crate::transport::find_cli::is_program;

/// The PATH of programs started from a desktop on macOS, and of services on Linux.
const BARE_PATH: &[&str] = &["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

const PROXIES: &[&str] = &[
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

pub fn check(report: &mut Report, subject: &Subject) {
    nesting(report, subject);
    if subject.is_remote() {
        return report.info(
            "launcher",
            "the CLI runs behind a launcher: its machine's folders and shell are not checked",
        );
    }
    let folders: Vec<PathBuf> =
        subject.variable("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    path(report, &folders);
    shell(report, subject, &folders);
    bypass_as_root(report, subject);
    proxies(report, subject);
    certificates(report, subject);
}

fn nesting(report: &mut Report, subject: &Subject) {
    if subject.variable("CLAUDECODE").is_some() {
        report.warning(
            "nested",
            "the CLI gets the variable CLAUDECODE, by which it takes itself for a tool of another session",
            "leave the option env_mode at overlay, and CLAUDECODE out of env",
        );
    } else if variable(&subject.host, "CLAUDECODE").is_some() {
        report.info("nested", "the host runs inside a Claude Code session; its marks are kept from the CLI");
    } else {
        report.ok("nested", "the host does not run inside a Claude Code session");
    }
}

fn path(report: &mut Report, folders: &[PathBuf]) {
    const REMEDY: &str = "set PATH with the option env, for instance to what a login shell has";
    let is_bare = |folder: &PathBuf| BARE_PATH.iter().any(|bare| folder == Path::new(bare));
    if folders.is_empty() {
        report.warning("path", "the CLI gets no PATH: its tools will find no program", REMEDY);
    } else if folders.iter().all(is_bare) {
        let text = "PATH has the system's own folders only, as for programs that were started from a desktop: \
                    programs that the user has installed (node, git, compilers) will not be found";
        report.warning("path", text, REMEDY);
    } else {
        report.ok("path", format!("PATH has {} folders", folders.len()));
    }
}

/// Without Git Bash, the CLI takes PowerShell.
#[cfg(windows)]
fn shell(report: &mut Report, subject: &Subject, folders: &[PathBuf]) {
    let named = subject.path_of("CLAUDE_CODE_GIT_BASH_PATH");
    let usual = PathBuf::from(r"C:\Program Files\Git\bin\bash.exe");
    let candidates =
        named.into_iter().chain(folders.iter().map(|folder| folder.join("bash.exe"))).chain([usual]);
    match candidates.into_iter().find(|path| is_program(path)) {
        Some(path) => report.ok("shell", format!("the shell for the Bash tool is {}", path.display())),
        None => report.info("shell", "Git Bash was not found: the CLI runs commands by PowerShell"),
    }
}

#[cfg(unix)]
fn shell(report: &mut Report, subject: &Subject, folders: &[PathBuf]) {
    let is_usable = |name: &Path| matches!(name.file_name().and_then(OsStr::to_str), Some("bash" | "zsh"));
    let named = ["CLAUDE_CODE_SHELL", "SHELL"].into_iter().filter_map(|name| subject.path_of(name));
    let mut candidates = named.filter(|path| is_usable(path)).collect::<Vec<_>>();
    for name in ["bash", "zsh"] {
        candidates
            .extend(folders.iter().filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)));
        candidates.extend(
            ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
                .map(|place| Path::new(place).join(name)),
        );
    }
    match candidates.into_iter().find(|path| is_program(path)) {
        Some(path) => report.ok("shell", format!("the shell for the Bash tool is {}", path.display())),
        None => report.warning(
            "shell",
            "neither bash nor zsh was found: the Bash tool will not work (shell_tool_missing)",
            "install bash, or name a shell in the variable SHELL with the option env",
        ),
    }
}

fn bypass_as_root(report: &mut Report, subject: &Subject) {
    // Elsewhere it may be another user.
    let here = !subject.is_remote();
    if here && skips_permissions_as_root(&subject.options, &subject.launch).is_some() {
        report.error("root_bypass", "the CLI refuses to skip permissions for the root user", bypass::REMEDY);
    }
}

/// Without user name and password.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

fn proxies(report: &mut Report, subject: &Subject) {
    let set: Vec<String> = PROXIES
        .iter()
        .filter_map(|name| Some((*name, subject.variable(name)?.to_string_lossy())))
        .map(|(name, value)| match name.eq_ignore_ascii_case("NO_PROXY") {
            true => format!("{name}={value}"),
            false => format!("{name} leads to {}", host_of(&value)),
        })
        .collect();
    match set.is_empty() {
        true => report.ok("proxy", "no proxy is set"),
        false => report.info("proxy", set.join(", ")),
    }
    if let Some(url) = subject.variable("ANTHROPIC_BASE_URL") {
        report.info("base_url", format!("requests go to {}", host_of(&url.to_string_lossy())));
    }
}

fn certificates(report: &mut Report, subject: &Subject) {
    for name in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
        if let Some(path) = subject.path_of(name).filter(|path| std::fs::File::open(path).is_err()) {
            let text = format!("{name} names {}, which cannot be read", path.display());
            report.warning("certificates", text, "correct the variable, or remove it with the option env");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_not_shown() {
        assert_eq!(host_of("http://user:secret@proxy.example:3128/x"), "proxy.example:3128");
        assert_eq!(host_of("proxy.example:3128"), "proxy.example:3128");
        assert_eq!(host_of("socks5h://a:b%40c@[::1]:1080"), "[::1]:1080");
        assert_eq!(host_of("http://u:p@ss@host"), "host");
    }
}
