//! Starts the CLI through another program: the arguments of that program, and how the CLI at the remote end gets its
//! environment and its directory.
//!
//! Most launchers (`nice`, `bwrap` …) run the CLI locally: it inherits everything. Some run it elsewhere, or in another
//! environment as `sudo` does: there a shell reads one line from stdin, which sets the variables and the directory, and execs
//! the CLI. So no secret is on a command line, where every user of both machines could read it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::error::Result;
use crate::options::{child, invalid};
use text::{bytes, from_bytes};

/// What a launcher does with the arguments that follow its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Runs them locally, as they are.
    Local,
    /// Runs them elsewhere, as they are.
    Remote,
    /// Joins them with spaces and passes them to a shell elsewhere.
    RemoteShell,
}

impl Kind {
    /// By the name of the program and its own arguments.
    pub fn of(program: &Path, words: &[String]) -> Kind {
        let name = program.file_name().and_then(OsStr::to_str).unwrap_or_default();
        match name.strip_suffix(".exe").unwrap_or(name) {
            "ssh" => Kind::RemoteShell,
            "wsl" if !words.iter().any(|word| word == "-e" || word == "--exec") => Kind::RemoteShell,
            "docker" | "podman" | "nerdctl" | "kubectl" | "oc" | "wsl" | "sudo" | "doas" => Kind::Remote,
            _ => Kind::Local,
        }
    }

    pub fn is_remote(self) -> bool {
        self != Kind::Local
    }

    /// The arguments after the launcher's own, for a CLI with these arguments.
    pub fn words(self, cli: Vec<OsString>) -> Vec<OsString> {
        let prefix = ["sh", "-c", BECOME, "sh"].map(OsString::from);
        match self {
            Kind::Local => cli,
            Kind::Remote => prefix.into_iter().chain(cli).collect(),
            Kind::RemoteShell => prefix.into_iter().chain(cli).map(|word| quoted(&word)).collect(),
        }
    }
}

/// Reads exactly one line: `read` does not read ahead on a pipe.
const BECOME: &str = r#"IFS= read -r claude_line && eval "$claude_line" && exec "$@""#;

/// The line that the remote end reads first: directory and variables.
pub fn first_line(cwd: Option<&Path>, variables: &[(OsString, Option<OsString>)]) -> Result<Vec<u8>> {
    // A line cannot hold a line break, so the remote end creates it.
    let mut line = br"claude_nl=$(printf '\n.'); claude_nl=${claude_nl%.}".to_vec();
    for (name, value) in variables {
        check_name(name)?;
        match value {
            Some(value) => {
                line.extend_from_slice(b"; export ");
                line.extend_from_slice(&bytes(name));
                line.push(b'=');
                line.extend(on_one_line(value));
            }
            None => {
                line.extend_from_slice(b"; unset ");
                line.extend_from_slice(&bytes(name));
            }
        }
    }
    if let Some(cwd) = cwd {
        line.extend_from_slice(b"; CDPATH= cd -- ");
        line.extend(on_one_line(cwd.as_os_str()));
        line.extend_from_slice(b" &&");
    } else {
        line.push(b';');
    }
    line.extend_from_slice(b" unset claude_nl claude_line\n");
    Ok(line)
}

/// In a shell assignment the name is not a word of its own, so it cannot be quoted.
fn check_name(name: &OsStr) -> Result<()> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = bytes(name);
    if bytes.iter().all(is_part) && bytes.first().is_some_and(|first| !first.is_ascii_digit()) {
        return Ok(());
    }
    Err(invalid(
        &child("/env", &name.to_string_lossy()),
        "the shell at the launcher's far side cannot set a variable of this name".into(),
        "use letters, digits and _ only, and no digit first",
    ))
}

fn on_one_line(word: &OsStr) -> Vec<u8> {
    let mut text = Vec::new();
    for (number, part) in bytes(word).split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            text.extend_from_slice(br#""$claude_nl""#);
        }
        text.extend_from_slice(&quote(part));
    }
    text
}

/// Quotes a word for a POSIX shell.
pub fn quoted(word: &OsStr) -> OsString {
    from_bytes(quote(&bytes(word)))
}

fn quote(bytes: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./=:,@+".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return bytes.to_vec();
    }
    let mut text = vec![b'\''];
    for byte in bytes {
        match byte {
            b'\'' => text.extend_from_slice(br"'\''"),
            byte => text.push(*byte),
        }
    }
    text.push(b'\'');
    text
}

/// What the remote end gets of a text. It is UTF-8 there; on Windows, half a character becomes U+FFFD.
mod text {
    use std::borrow::Cow;
    use std::ffi::{OsStr, OsString};

    #[cfg(unix)]
    pub fn bytes(text: &OsStr) -> Cow<'_, [u8]> {
        std::os::unix::ffi::OsStrExt::as_bytes(text).into()
    }

    #[cfg(unix)]
    pub fn from_bytes(bytes: Vec<u8>) -> OsString {
        std::os::unix::ffi::OsStringExt::from_vec(bytes)
    }

    #[cfg(windows)]
    pub fn bytes(text: &OsStr) -> Cow<'_, [u8]> {
        text.to_string_lossy().into_owned().into_bytes().into()
    }

    #[cfg(windows)]
    pub fn from_bytes(bytes: Vec<u8>) -> OsString {
        String::from_utf8_lossy(&bytes).into_owned().into()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    const NASTY: &[&str] = &[
        "",
        "plain",
        "two words",
        "it's",
        "$HOME `id` \"x\" \\ * ? ~ # ! & | ; < > ( ) { } [ ]",
        "line\nbreak",
        "\n",
        "ends with breaks\n\n",
        "日本 🎈",
        "-n",
        "a=b",
    ];

    fn output(command: &mut Command, input: &[u8]) -> Vec<u8> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    /// `printf '%s\0'` with the nasty words.
    fn echo() -> Vec<OsString> {
        ["printf", "%s\\0"].into_iter().chain(NASTY.iter().copied()).map(OsString::from).collect()
    }

    fn parts(output: &[u8]) -> Vec<&str> {
        let text = std::str::from_utf8(output).unwrap();
        text.strip_suffix('\0').unwrap().split('\0').collect()
    }

    #[test]
    fn words_arrive_as_they_are_through_a_shell() {
        let words = Kind::RemoteShell.words(echo());
        let joined = words.join(OsStr::new(" "));
        let mut shell = Command::new("sh");
        assert_eq!(parts(&output(shell.arg("-c").arg(joined), &first_line(None, &[]).unwrap())), NASTY);
    }

    #[test]
    fn words_arrive_as_they_are_without_one() {
        let words = Kind::Remote.words(echo());
        let mut direct = Command::new(&words[0]);
        assert_eq!(parts(&output(direct.args(&words[1..]), &first_line(None, &[]).unwrap())), NASTY);
        assert_eq!(Kind::Local.words(echo()), echo());
    }

    #[test]
    fn variables_and_the_folder_arrive_and_the_next_line_is_the_cli_s() {
        let folder = tempfile::tempdir().unwrap();
        let nasty = folder.path().join("it's a 'folder'\nof mine");
        std::fs::create_dir(&nasty).unwrap();
        let names: Vec<OsString> = (0..NASTY.len()).map(|at| format!("V{at}").into()).collect();
        let mut variables: Vec<(OsString, Option<OsString>)> =
            names.iter().zip(NASTY).map(|(name, value)| (name.clone(), Some(value.into()))).collect();
        variables.push(("GONE".into(), None));
        let script = "printf '%s\\0' \"$PWD\" \"${GONE-unset}${claude_nl-unset}${claude_line-unset}\"; cat; printf '\\0'; env -0";
        let words = Kind::Remote.words(["sh", "-c", script].map(OsString::from).to_vec());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env("GONE", "still here");
        let mut input = first_line(Some(&nasty), &variables).unwrap();
        assert_eq!(input.iter().filter(|byte| **byte == b'\n').count(), 1);
        input.extend_from_slice(b"{\"second\":1}\n");
        let seen = output(&mut command, &input);
        let seen = parts(&seen);
        assert_eq!(
            seen[..3],
            [nasty.canonicalize().unwrap().to_str().unwrap(), "unsetunsetunset", "{\"second\":1}\n"]
        );
        for (at, value) in NASTY.iter().enumerate() {
            assert!(seen.contains(&format!("V{at}={value}").as_str()), "V{at} in {seen:?}");
        }
    }

    #[test]
    fn a_folder_that_is_missing_ends_it_with_words() {
        let words = Kind::Remote.words(["echo", "ran"].map(OsString::from).to_vec());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let line = first_line(Some(Path::new("/nowhere/at all")), &[]).unwrap();
        child.stdin.take().unwrap().write_all(&line).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/at all"), "{output:?}");
    }

    #[test]
    fn names_that_are_no_names_to_a_shell_are_refused() {
        let line = |name: &str| first_line(None, &[(name.into(), Some("x".into()))]);
        for name in ["A", "_", "a_1", "CLAUDE_CODE_X"] {
            assert!(line(name).is_ok(), "{name}");
        }
        for name in ["", "1A", "A B", "A;B", "A-B", "A.B", "$A", "A`id`", "A\nB", "é"] {
            assert!(line(name).is_err(), "{name}");
        }
    }

    #[test]
    fn kinds_by_name() {
        let kind = |name: &str| Kind::of(Path::new(name), &[]);
        let with = |name: &str, word: &str| Kind::of(Path::new(name), &[word.to_owned()]);
        assert_eq!(kind("/usr/bin/ssh"), Kind::RemoteShell);
        assert_eq!(kind("docker"), Kind::Remote);
        assert_eq!(with("/mnt/c/Windows/System32/wsl.exe", "-e"), Kind::Remote);
        assert_eq!(with("wsl", "--exec"), Kind::Remote);
        assert_eq!(with("wsl.exe", "--"), Kind::RemoteShell);
        assert_eq!(kind("wsl"), Kind::RemoteShell);
        assert_eq!(with("docker", "--"), Kind::Remote);
        assert_eq!(kind("/usr/bin/sudo"), Kind::Remote);
        assert_eq!(kind("sshpass"), Kind::Local);
        assert_eq!(kind("nice"), Kind::Local);
    }
}
