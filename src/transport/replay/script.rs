//! Reads a record file.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, Result, Status};
use crate::protocol::tolerant;
use crate::transport::End;
use crate::transport::record::format::{self, Direction};

/// A record, ready to be played.
#[derive(Debug)]
pub struct Script {
    /// The file's name, for messages.
    pub name: String,
    pub library_version: String,
    pub entries: Vec<Entry>,
}

/// One line of the record.
#[derive(Debug)]
pub struct Entry {
    /// Counted from 1.
    pub line: usize,
    pub at_us: u64,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    /// The host sends.
    Out(Sent),
    /// The CLI sends; bytes without the newline.
    In(Vec<u8>),
    Stderr(Vec<u8>),
    EndInput,
    Close,
    Ended(End),
}

/// A line of the host.
#[derive(Debug)]
pub struct Sent {
    pub text: String,
    pub kind: Kind,
    /// The host has sent it, or it has been skipped.
    pub done: bool,
}

/// The kind of a line of the host, as far as it decides what the line is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Prompt {
        uuid: Option<String>,
    },
    Request {
        id: String,
        subtype: String,
    },
    /// The answer to a request of the CLI.
    Answer {
        id: String,
    },
    Other,
}

impl Kind {
    pub fn of(frame: &Value) -> Kind {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str() {
            Some("user") => Kind::Prompt { uuid: frame["uuid"].as_str().map(str::to_owned) },
            Some("control_request") => {
                Kind::Request { id: text(&frame["request_id"]), subtype: text(&frame["request"]["subtype"]) }
            }
            Some("control_response") => Kind::Answer { id: text(&frame["response"]["request_id"]) },
            _ => Kind::Other,
        }
    }

    /// Whether one may replace the other although they are not equal.
    pub fn is_like(&self, other: &Kind) -> bool {
        match (self, other) {
            (Kind::Prompt { .. }, Kind::Prompt { .. }) | (Kind::Other, Kind::Other) => true,
            (Kind::Request { subtype: a, .. }, Kind::Request { subtype: b, .. }) => a == b,
            _ => false,
        }
    }
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(default)]
    t_us: u64,
    dir: String,
    #[serde(borrow, default)]
    line: Option<&'a RawValue>,
    #[serde(default)]
    hex: Option<String>,
}

impl Script {
    /// Accesses the disk.
    pub fn read(path: &str) -> Result<Script> {
        let bytes = std::fs::read(path).map_err(|cause| {
            unusable(path, None, &format!("the record cannot be read: {cause}"))
                .with("remedy", "name a file that the option record has written")
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| unusable(path, None, "the record is not UTF-8, so it is no record"))?;
        Script::parse(path, &text)
    }

    fn parse(path: &str, text: &str) -> Result<Script> {
        // A host that was killed while recording has left half a line.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut script = Script {
            name: Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy().into_owned()),
            library_version: String::new(),
            entries: Vec::new(),
        };
        for (index, line) in whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |what: &str| unusable(path, Some(index + 1), what);
            let row: Row = serde_json::from_str(line).map_err(|cause| wrong(&cause.to_string()))?;
            if index == 0 {
                script.read_header(&row, wrong)?;
            } else if let Some(what) = row.what(wrong)? {
                script.entries.push(Entry { line: index + 1, at_us: row.t_us, what });
            }
        }
        if script.library_version.is_empty() {
            return Err(unusable(path, Some(1), "there is no header, so it is no record"));
        }
        Ok(script)
    }

    fn read_header(&mut self, row: &Row<'_>, wrong: impl Fn(&str) -> Error) -> Result<()> {
        let header = row.line.map_or(Value::Null, |raw| tolerant::line(raw.get().as_bytes()));
        if header["format"] != format::FORMAT {
            return Err(wrong("there is no header, so it is no record"));
        }
        if header["format_version"].as_u64().is_none_or(|version| version > format::FORMAT_VERSION) {
            return Err(wrong("the record was made by a later version of the library")
                .with("remedy", "update the library, or record the conversation again"));
        }
        self.library_version = header["library_version"].as_str().unwrap_or("unknown").to_owned();
        Ok(())
    }

    /// The last line of the file with an entry.
    pub fn last_line(&self) -> usize {
        self.entries.last().map_or(1, |entry| entry.line)
    }
}

impl Row<'_> {
    /// `None` for what is only for people.
    fn what(&self, wrong: impl Fn(&str) -> Error) -> Result<Option<What>> {
        let direction = Direction::ALL.into_iter().find(|direction| direction.name() == self.dir);
        let direction = direction.ok_or_else(|| wrong("dir is none of in, out, stderr, meta"))?;
        if direction == Direction::Meta {
            let meta = self.line.map_or(Value::Null, |raw| tolerant::line(raw.get().as_bytes()));
            return Ok(match meta["event"].as_str() {
                Some(format::END_INPUT) => Some(What::EndInput),
                Some(format::CLOSE) => Some(What::Close),
                Some(format::ENDED) => Some(What::Ended(format::end_of(&meta))),
                _ => None,
            });
        }
        let bytes = self.bytes().ok_or_else(|| wrong("there is neither line nor hex"))?;
        Ok(Some(match direction {
            Direction::Out => {
                let text = String::from_utf8(bytes).map_err(|_| wrong("what the host sent is no text"))?;
                let frame = tolerant::line(text.as_bytes());
                What::Out(Sent { kind: Kind::of(&frame), text, done: false })
            }
            Direction::Stderr => What::Stderr(bytes),
            _ => What::In(bytes),
        }))
    }

    /// The original line.
    fn bytes(&self) -> Option<Vec<u8>> {
        if let Some(raw) = self.line {
            let text = raw.get();
            return match text.starts_with('"') {
                true => serde_json::from_str::<String>(text).ok().map(String::into_bytes),
                false => Some(text.as_bytes().to_vec()),
            };
        }
        let hex = self.hex.as_deref()?.as_bytes();
        let digit = |byte: u8| char::from(byte).to_digit(16);
        hex.chunks(2)
            .map(|pair| Some((digit(pair[0])? * 16 + digit(*pair.get(1)?)?) as u8))
            .collect::<Option<Vec<u8>>>()
    }
}

fn unusable(path: &str, line: Option<usize>, what: &str) -> Error {
    let place = line.map_or(path.to_owned(), |line| format!("{path}, line {line}"));
    Error::new(Status::InvalidOption, format!("{place}: {what}"))
        .with("phase", "replay")
        .with("pointer", "/replay")
        .with("path", path)
        .with_opt("line", line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Exit;

    const HEADER: &str = r#"{"t_us":0,"dir":"meta","line":{"event":"header","format":"claude-client-record","format_version":1,"library_version":"0.1.0"}}"#;

    fn parse(lines: &[&str]) -> Result<Script> {
        Script::parse("a/b.ndjson", &(lines.join("\n") + "\n"))
    }

    #[test]
    fn lines_come_back_as_they_were() {
        let script = parse(&[
            HEADER,
            r#"{"t_us":5,"dir":"out","line":{"type":"control_request","request_id":"req_1","request":{"subtype":"initialize"}}}"#,
            r#"{"t_us":6,"dir":"in","line":{"a" : 1.50}}"#,
            r#"{"t_us":7,"dir":"in","line":"junk \"x\" "}"#,
            r#"{"t_us":8,"dir":"in","hex":"7bff7d"}"#,
            r#"{"t_us":9,"dir":"meta","line":{"event":"something of a later version"}}"#,
            r#"{"t_us":9,"dir":"meta","line":{"event":"ended","exit_code":3}}"#,
        ])
        .unwrap();
        assert_eq!((script.name.as_str(), script.entries.len(), script.last_line()), ("b.ndjson", 5, 7));
        let received: Vec<&[u8]> = script
            .entries
            .iter()
            .filter_map(|entry| match &entry.what {
                What::In(bytes) => Some(bytes.as_slice()),
                _ => None,
            })
            .collect();
        assert_eq!(received, [br#"{"a" : 1.50}"#.as_slice(), br#"junk "x" "#, b"{\xff}"]);
        assert!(matches!(&script.entries[4].what, What::Ended(end) if end.report.exit == Exit::Code(3)));
    }

    #[test]
    fn half_a_last_line_is_left_out() {
        let script = Script::parse("x", &format!("{HEADER}\n{{\"t_us\":1,\"dir\":\"in\",\"li")).unwrap();
        assert!(script.entries.is_empty());
    }

    #[test]
    fn what_is_no_record_is_refused_with_its_line() {
        let cases: [(&[&str], u64); 4] = [
            (&["{}"], 1),
            (&[r#"{"t_us":0,"dir":"meta","line":{"format":"other"}}"#], 1),
            (&[HEADER, "{\"t_us\":1,\"dir\":\"up\",\"line\":{}}"], 2),
            (&[HEADER, "{\"t_us\":1,\"dir\":\"in\"}"], 2),
        ];
        for (lines, line) in cases {
            let error = parse(lines).unwrap_err();
            assert_eq!(error.status, Status::InvalidOption, "{lines:?}");
            assert_eq!(error.detail("line"), Some(&line.into()), "{lines:?}");
        }
        let later = HEADER.replace("\"format_version\":1", "\"format_version\":2");
        assert!(parse(&[&later]).unwrap_err().message.contains("later version"));
        assert!(Script::parse("x", "").is_err());
    }
}
