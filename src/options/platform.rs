//! What differs between operating systems, as pure functions, so that each rule is tested everywhere.

use std::ffi::OsStr;

/// The system whose rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    Unix,
    Windows,
}

impl Platform {
    pub const HOST: Platform = if cfg!(windows) { Platform::Windows } else { Platform::Unix };

    /// How many bytes one argument may have: 128 KiB with its NUL on Linux, no limit of its own on Windows.
    pub fn one_argument(self) -> usize {
        match self {
            Platform::Unix => 128 * 1024 - 1,
            Platform::Windows => usize::MAX,
        }
    }

    /// How many bytes all arguments together may have: 32,767 on Windows; macOS counts the environment towards
    /// its 1 MiB, so half of that is safe.
    pub fn all_arguments(self) -> usize {
        match self {
            Platform::Unix => 512 * 1024,
            Platform::Windows => 32_000,
        }
    }
}

/// The variable that names the user's home folder, as the CLI looks for it.
pub const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// The variable that names the folder for temporary files.
pub const TMPDIR: &str = if cfg!(windows) { "TEMP" } else { "TMPDIR" };

/// Whether both name the same variable of this system.
pub fn is_variable(known: &OsStr, name: &str) -> bool {
    known == name || (cfg!(windows) && known.eq_ignore_ascii_case(name))
}

/// Absolute on some system: a launcher may start the CLI on a different one.
pub fn is_absolute(path: &str) -> bool {
    let has_drive = || {
        let mut letters = path.chars();
        letters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && letters.next() == Some(':')
            && letters.next().is_some_and(|c| c == '/' || c == '\\')
    };
    path.starts_with('/') || path.starts_with(r"\\") || has_drive()
}

/// Whether Windows would run this path through its command interpreter, which expands `%VAR%` in arguments and
/// cannot be told not to. Looks at every part, since `x.cmd:stream`, `x.cmd.` and `x.cmd\..\y` all run `x.cmd`.
pub fn is_batch_file(path: &str) -> bool {
    path.split(['/', '\\']).flat_map(|part| part.split(':')).any(|segment| {
        let plain = segment.trim_end_matches(['.', ' ']).to_lowercase();
        plain.ends_with(".bat") || plain.ends_with(".cmd")
    })
}

/// Characters that a command interpreter in between would act on.
pub fn has_shell_characters(text: &str) -> bool {
    text.contains(['&', '|', '<', '>', '^', '%', '!', '"', '\r', '\n'])
}
