//! Each way in which a start can fail, with its kind and its words.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use claude_client::process::{Command, FailureKind, SpawnFailure};

use crate::support::{output, program, sh, try_start, unique};

struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        let path = std::env::temp_dir().join(unique("process-test"));
        fs::create_dir(&path).unwrap();
        Directory(path)
    }

    fn file(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn failure(command: Command) -> SpawnFailure {
    match try_start(command) {
        Ok(_) => panic!("started"),
        Err(failure) => failure,
    }
}

fn failure_of(path: &Path) -> SpawnFailure {
    failure(program(path.to_str().unwrap(), &[]))
}

#[track_caller]
fn expect(failure: &SpawnFailure, kind: FailureKind, words: &[&str]) {
    assert_eq!(failure.kind, kind, "{failure}");
    for word in words {
        assert!(failure.message.contains(word), "{word:?} is not in: {failure}");
    }
}

#[test]
fn missing_program() {
    let directory = Directory::new();
    expect(
        &failure_of(&directory.0.join("none")),
        FailureKind::NotFound,
        &["none does not exist", "install"],
    );
    let link = directory.0.join("link");
    symlink("/nowhere/claude", &link).unwrap();
    expect(&failure_of(&link), FailureKind::NotFound, &["is a link to /nowhere/claude"]);
    let file = directory.file("file", b"", 0o644);
    expect(&failure_of(&file.join("below")), FailureKind::NotFound, &["does not exist"]);
}

#[test]
fn no_search_along_the_path_variable() {
    expect(&failure(program("sh", &[])), FailureKind::NotFound, &["sh does not exist"]);
}

#[test]
fn directory_and_file_without_the_right() {
    let directory = Directory::new();
    expect(&failure_of(&directory.0), FailureKind::IsDirectory, &["is a directory"]);
    let file = directory.file("plain", b"#!/bin/sh\n", 0o644);
    expect(&failure_of(&file), FailureKind::NotExecutable, &["chmod +x"]);
}

#[test]
fn script_without_its_interpreter() {
    let directory = Directory::new();
    let script = directory.file("script", b"#!/nowhere/node --flag\n", 0o755);
    let failed = failure_of(&script);
    expect(&failed, FailureKind::WrongLoader, &["script for /nowhere/node,"]);
    assert_eq!(failed.errno, Some(libc::ENOENT));
    let windows = directory.file("windows", b"#!/bin/sh\r\nexit 0\r\n", 0o755);
    expect(&failure_of(&windows), FailureKind::WrongLoader, &["/bin/sh followed by a carriage return"]);
    let plain = directory.file("interpreter", b"", 0o644);
    let script = directory.file("other", format!("#!{}\n", plain.display()).as_bytes(), 0o755);
    expect(
        &failure_of(&script),
        FailureKind::NotExecutable,
        &["is run by", "interpreter, which is not a program"],
    );
}

/// A program with nothing but a header that asks for the loader.
fn program_for_loader(loader: &str) -> Vec<u8> {
    let machine: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
    let mut file = Vec::new();
    file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file.extend_from_slice(&2u16.to_le_bytes());
    file.extend_from_slice(&machine.to_le_bytes());
    file.extend_from_slice(&1u32.to_le_bytes());
    for offset in [0u64, 64, 0] {
        file.extend_from_slice(&offset.to_le_bytes());
    }
    file.extend_from_slice(&0u32.to_le_bytes());
    for number in [64u16, 56, 1, 0, 0, 0] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(&3u32.to_le_bytes());
    file.extend_from_slice(&4u32.to_le_bytes());
    let length = loader.len() as u64 + 1;
    for number in [120u64, 0, 0, length, length, 1] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(loader.as_bytes());
    file.push(0);
    file
}

#[test]
#[cfg(all(target_endian = "little", target_pointer_width = "64"))]
fn program_without_its_loader() {
    let directory = Directory::new();
    let file = directory.file("musl", &program_for_loader("/nowhere/ld-musl.so.1"), 0o755);
    expect(&failure_of(&file), FailureKind::WrongLoader, &["/nowhere/ld-musl.so.1", "glibc against musl"]);
}

#[test]
fn not_a_program() {
    let directory = Directory::new();
    expect(
        &failure_of(&directory.file("text", b"hello", 0o755)),
        FailureKind::BadFormat,
        &["not a program for this"],
    );
    expect(&failure_of(&directory.file("empty", b"", 0o755)), FailureKind::BadFormat, &["is empty"]);
}

#[test]
fn working_directory() {
    let directory = Directory::new();
    let in_directory = |cwd: PathBuf| Command { cwd: Some(cwd), ..sh("pwd") };
    let deleted = directory.0.join("deleted");
    expect(&failure(in_directory(deleted)), FailureKind::CwdMissing, &["deleted", "does not exist"]);
    let file = directory.file("file", b"", 0o644);
    expect(&failure(in_directory(file)), FailureKind::CwdMissing, &["is not a directory"]);
    let there = fs::canonicalize(&directory.0).unwrap();
    assert_eq!(output(in_directory(there.clone())).trim(), there.to_str().unwrap());
    directory.file("tool", b"#!/bin/sh\necho relative\n", 0o755);
    let relative = Command { cwd: Some(there), ..program("./tool", &[]) };
    assert_eq!(output(relative), "relative\n");
}

#[test]
fn too_long() {
    let long = "x".repeat(3 << 20);
    let mut command = program("/bin/true", &["short", &long]);
    expect(&failure(command.clone()), FailureKind::TooLong, &["argument 2 with 3145728 bytes", "xxx"]);
    command.args.truncate(1);
    command.env.push(("HUGE".into(), long.into()));
    expect(&failure(command), FailureKind::TooLong, &["the variable HUGE with 3145728 bytes"]);
}

#[test]
fn zero_byte() {
    expect(
        &failure(program("/bin/true", &["a", "b\0c"])),
        FailureKind::Other,
        &["argument 2", "zero byte at 1"],
    );
}

#[test]
fn user() {
    let as_user = |user: &str| Command { user: Some(user.into()), ..sh("id -u; id -g; id -G") };
    let unknown = failure(as_user("no-such-user"));
    expect(&unknown, FailureKind::UserUnknown, &["no-such-user does not exist"]);
    if rustix::process::geteuid().is_root() {
        assert!(output(as_user("nobody")).starts_with("65534\n"));
        assert_eq!(output(as_user("4242")), "4242\n4242\n4242\n");
        // The child shared our memory while it changed its user, which must leave no trace on us.
        let dumpable = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(dumpable, rustix::process::DumpableBehavior::Dumpable);
    } else {
        expect(&failure(as_user("0")), FailureKind::Other, &["as user 0", "only root"]);
    }
}

#[test]
fn nothing_is_left_of_a_failed_start() {
    for _ in 0..20 {
        failure(program("/nowhere/claude", &[]));
    }
    let zombies = crate::support::own_children()
        .into_iter()
        .filter(|pid| crate::support::stat(*pid).is_some_and(|fields| fields[0] == "Z"))
        .count();
    // Other tests of this process may have one each at this moment.
    assert!(zombies < 15, "{zombies} zombies");
}
