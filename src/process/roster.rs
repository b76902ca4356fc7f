//! The live children, in a memory file that the guardian also holds and reads when the host has died: sending it a message for
//! each child would wake it in the middle of every start.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::nameless::nameless_file;
use super::tree::Root;

/// One line of the file: a child's pid, start time and mark, padded with blanks. A line is written with one call, so that the
/// death of the host never leaves half of one.
const LINE: usize = 80;

pub(super) struct Roster {
    file: OwnedFd,
    /// Line numbers by mark.
    lines: HashMap<String, usize>,
    free: Vec<usize>,
}

impl Roster {
    pub fn new() -> Result<Roster, Errno> {
        Ok(Roster { file: nameless_file("claude-guardian")?, lines: HashMap::new(), free: Vec::new() })
    }

    pub fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// A child that is about to be started: it can be recognised by its mark.
    pub fn expect(&mut self, mark: &str) {
        let line = self.free.pop().unwrap_or(self.lines.len());
        self.lines.insert(mark.to_owned(), line);
        self.write(line, &format!("0 0 {mark}"));
    }

    pub fn started(&mut self, root: &Root) {
        let Some(line) = self.lines.get(&root.mark) else { return };
        self.write(*line, &format!("{} {} {}", root.pid.as_raw_nonzero(), root.start, root.mark));
    }

    pub fn forget(&mut self, mark: &str) {
        let Some(line) = self.lines.remove(mark) else { return };
        self.write(line, "");
        self.free.push(line);
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn write(&self, line: usize, text: &str) {
        let text = format!("{text:<width$}\n", width = LINE - 1);
        // Without memory for it, only the system signals this child when the host dies.
        let _ = rustix::io::pwrite(&self.file, text.as_bytes(), (line * LINE) as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(roster: &Roster) -> Vec<String> {
        let mut bytes = vec![0; 4096];
        let length = rustix::io::pread(&roster.file, &mut bytes, 0).unwrap();
        let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn lines_are_written_in_place_and_used_again() {
        let mut roster = Roster::new().unwrap();
        roster.expect("a");
        roster.expect("b");
        let root = Root { pid: rustix::process::getpid(), start: u64::MAX, mark: "a".into() };
        roster.started(&root);
        let own = format!("{} {} a", std::process::id(), u64::MAX);
        assert_eq!(contents(&roster), [own.as_str(), "0 0 b"]);
        roster.forget("a");
        assert_eq!(contents(&roster), ["", "0 0 b"]);
        roster.expect("c");
        assert_eq!(contents(&roster), ["0 0 c", "0 0 b"]);
        roster.forget("c");
        roster.forget("b");
        assert!(roster.is_empty());
    }
}
