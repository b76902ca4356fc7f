//! What the stand-in remembers between turns.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

pub struct Session {
    pub argv: Vec<String>,
    pub id: String,
    pub model: String,
    pub permission_mode: String,
    pub cwd: String,
    pub partial_messages: bool,
    pub replay: bool,
    /// Prompts that started a turn so far.
    pub turns: u64,
    pub cost: f64,
    /// It was started with `--await-claim`, and nobody has claimed it.
    pub spare: bool,
    pub last_result_was_error: bool,
    pub seen_prompts: HashSet<String>,
    /// Text of the running turn, for the frame of an interrupted one.
    pub partial_text: String,
    /// The marker that session state frames carry; `None` = no such frames.
    pub state_frames: Option<StateFrames>,
    random: u64,
}

#[derive(Clone, Copy, PartialEq)]
pub enum StateFrames {
    HostOnly,
    Shown,
}

impl Session {
    pub fn new(argv: Vec<String>) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
        let mut session = Session {
            id: String::new(),
            model: value_of(&argv, "--model").unwrap_or("claude-opus-5-5").to_owned(),
            permission_mode: value_of(&argv, "--permission-mode").unwrap_or("default").to_owned(),
            cwd: std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
            partial_messages: argv.iter().any(|argument| argument == "--include-partial-messages"),
            replay: argv.iter().any(|argument| argument == "--replay-user-messages"),
            turns: 0,
            cost: 0.0,
            spare: argv.iter().any(|argument| argument == "--await-claim"),
            last_result_was_error: false,
            seen_prompts: HashSet::new(),
            partial_text: String::new(),
            state_frames: match () {
                () if set("CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS") => Some(StateFrames::Shown),
                () if set("CLAUDE_CODE_SDK_READS_SESSION_STATE") => Some(StateFrames::HostOnly),
                () => None,
            },
            random: now ^ u64::from(std::process::id()).rotate_left(32),
            argv,
        };
        let fork = session.argv.iter().any(|argument| argument == "--fork-session");
        let resumed = value_of(&session.argv, "--resume").filter(|_| !fork);
        let given = value_of(&session.argv, "--session-id").or(resumed).map(str::to_owned);
        session.id = given.unwrap_or_else(|| session.new_uuid());
        session
    }

    pub fn argument(&self, name: &str) -> Option<&str> {
        value_of(&self.argv, name)
    }

    pub fn has_flag(&self, name: &str) -> bool {
        self.argv.iter().any(|argument| argument == name)
    }

    /// A version 4 UUID. Unique is enough here, so the generator is the small one (splitmix64).
    pub fn new_uuid(&mut self) -> String {
        let (high, low) = (self.next_random(), self.next_random());
        let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
        let (d, e) = ((low >> 48) & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
        format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
    }

    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// `--name value` or `--name=value`.
fn value_of<'a>(argv: &'a [String], name: &str) -> Option<&'a str> {
    argv.iter().enumerate().find_map(|(at, argument)| match argument.strip_prefix(name)? {
        "" => argv.get(at + 1).map(String::as_str),
        rest => rest.strip_prefix('='),
    })
}

/// One user message from the host.
#[derive(Debug, Clone, Default)]
pub struct Prompt {
    pub uuid: Option<String>,
    pub content: Value,
    pub should_query: bool,
}

impl Prompt {
    pub fn from_frame(frame: &Value) -> Self {
        Prompt {
            uuid: frame["uuid"].as_str().map(str::to_owned),
            content: frame["message"]["content"].clone(),
            should_query: frame["shouldQuery"] != false,
        }
    }

    pub fn text(&self) -> String {
        if let Some(text) = self.content.as_str() {
            return text.to_owned();
        }
        let blocks = self.content.as_array().map(Vec::as_slice).unwrap_or_default();
        let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        texts.join("\n")
    }
}
