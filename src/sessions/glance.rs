//! What the first and the last 64 KiB of a session's file show. Some lines are longer than that, so any of them
//! may be cut off.

use std::path::Path;

use super::files::Regular;
use super::first_prompt::{FirstPrompt, is_prompt};
use super::regions::{Region, is_true, text};
use super::time;

/// How much is read at each end.
const PIECE: usize = 64 << 10;

/// Buffers for both ends, so that a long list does not allocate for each of its rows.
#[derive(Default)]
pub struct Pieces {
    head: Vec<u8>,
    tail: Vec<u8>,
}

#[derive(Default)]
pub struct Glance {
    pub size: u64,
    pub modified_ms: i64,
    pub is_sidechain: bool,
    /// `Some("")` = a later line removed the title.
    pub tail_title: Option<String>,
    pub head_title: Option<String>,
    pub ai_title: Option<String>,
    pub last_prompt: Option<String>,
    pub last_summary: Option<String>,
    pub first_prompt: Option<String>,
    pub attached: Option<&'static str>,
    pub branch: Option<String>,
    pub cwd: Option<String>,
    pub tag: Option<String>,
    pub created_ms: Option<i64>,
    pub typed_ms: Option<i64>,
    pub entrypoint: Option<String>,
    pub kind: Option<String>,
    pub continued_in: Option<String>,
}

impl Glance {
    /// `None` if there is no such file, or it cannot be read.
    pub fn of(path: &Path, pieces: &mut Pieces) -> Option<Glance> {
        let file = Regular::open(path).ok()??;
        let Pieces { head, tail } = pieces;
        let is_whole = file.length <= PIECE as u64;
        fill(&file, head, 0)?;
        if !is_whole {
            fill(&file, tail, file.length - PIECE as u64)?;
        }
        let tail = Region::tail(if is_whole { head } else { tail }, is_whole);
        let read = Glance::read(Region::head(head), tail);
        Some(Glance { size: file.length, modified_ms: file.modified_ms, ..read })
    }

    fn read(head: Region, tail: Region) -> Glance {
        let first = FirstPrompt::of(head.lines());
        let relocated = || text(tail.last_of("relocated", "\"relocated\"")?, "relocatedCwd");
        Glance {
            is_sidechain: head.lines().next().is_some_and(|line| is_true(line, "isSidechain")),
            tail_title: custom(tail).map(|line| text(line, "customTitle").unwrap_or_default()),
            head_title: custom(head).and_then(|line| text(line, "customTitle")),
            ai_title: ai_title(tail).or_else(|| ai_title(head)),
            last_prompt: tail.last_text("lastPrompt", "\"lastPrompt\""),
            last_summary: tail.last_of("summary", "\"summary\"").and_then(|line| text(line, "summary")),
            first_prompt: first.shown().map(str::to_owned),
            attached: first.attached(),
            branch: tail
                .last_text("gitBranch", "\"gitBranch\"")
                .or_else(|| head.first_text("gitBranch", "\"gitBranch\"")),
            cwd: relocated().or_else(|| head.first_text("cwd", "\"cwd\"")),
            tag: tail.last_of("tag", "{\"type\":\"tag\"").and_then(|line| text(line, "tag")),
            created_ms: head.first_text("timestamp", "\"timestamp\"").and_then(|text| time::parse(&text)),
            typed_ms: typed(tail),
            entrypoint: head.first_text("entrypoint", "\"entrypoint\""),
            kind: head.first_text("sessionKind", "\"sessionKind\""),
            continued_in: tail
                .last_of("continued-in", "\"continued-in\"")
                .and_then(|line| text(line, "continuedInSessionId")),
            ..Glance::default()
        }
    }
}

fn custom<'a>(region: Region<'a>) -> Option<&'a [u8]> {
    region.last_of("custom-title", "\"custom-title\"")
}

fn ai_title(region: Region) -> Option<String> {
    text(region.last_of("ai-title", "\"ai-title\"")?, "aiTitle")
}

fn typed(tail: Region) -> Option<i64> {
    let last = tail.lines().filter(|line| is_prompt(line)).last()?;
    time::parse(&text(last, "timestamp")?)
}

fn fill(file: &Regular, piece: &mut Vec<u8>, offset: u64) -> Option<()> {
    piece.resize(PIECE, 0);
    let read = file.read_at(piece, offset).ok()?;
    piece.truncate(read);
    Some(())
}
