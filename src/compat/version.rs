//! Versions of the CLI: which one is tested, which are too old, and which are known to be broken.

/// The version that this library is tested with.
pub const TESTED: &str = include_str!("../../testkit/CLI_VERSION").trim_ascii();

/// The oldest that speaks the protocol; older ones do not even name their version in it.
pub const MINIMUM: &str = "2.0.0";

/// From, to (inclusive), and what is broken between them.
const KNOWN_BAD: &[(&str, &str, &str)] = &[
    (
        "2.1.9",
        "2.1.9",
        "programs that embed the CLI stopped working with this release (anthropics/claude-code#18667)",
    ),
    (
        "2.1.244",
        "2.1.246",
        "subagents' calls of in-process MCP tools fail at once (anthropics/claude-agent-sdk-typescript#436)",
    ),
];

/// Three numbers, compared from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CliVersion(u64, u64, u64);

impl CliVersion {
    /// The version that a text begins with, such as `2.1.9 (Claude Code)`.
    pub fn parse(text: &str) -> Option<CliVersion> {
        let word = text.split_whitespace().next()?;
        let mut parts = word.split(['-', '+']).next()?.split('.').map(str::parse::<u64>);
        let mut part = || parts.next()?.ok();
        let version = CliVersion(part()?, part()?, part()?);
        parts.next().is_none().then_some(version)
    }
}

impl std::fmt::Display for CliVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What is known about a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Tested,
    /// Between the oldest that is supported and the tested one.
    Supported,
    Newer,
    TooOld,
    /// Broken, and how.
    KnownBad(&'static str),
}

pub fn judge(version: CliVersion) -> Verdict {
    let number = |text: &str| CliVersion::parse(text);
    let bad = KNOWN_BAD.iter().find(|(from, to, _)| {
        number(from).is_some_and(|from| from <= version) && number(to).is_some_and(|to| version <= to)
    });
    match bad {
        Some((_, _, what)) => Verdict::KnownBad(what),
        None if Some(version) < number(MINIMUM) => Verdict::TooOld,
        None if Some(version) > number(TESTED) => Verdict::Newer,
        None if Some(version) == number(TESTED) => Verdict::Tested,
        None => Verdict::Supported,
    }
}

/// The warning for the host when a session begins with this version.
pub fn warning(version: CliVersion) -> Option<String> {
    match judge(version) {
        Verdict::TooOld => {
            Some(format!("Claude Code {version} is too old: {MINIMUM} is the oldest that is supported"))
        }
        Verdict::KnownBad(what) => Some(format!("Claude Code {version} is known to be broken: {what}")),
        Verdict::Tested | Verdict::Supported | Verdict::Newer => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Verdict {
        judge(CliVersion::parse(text).unwrap())
    }

    #[test]
    fn versions_are_read_and_compared_by_number() {
        assert_eq!(CliVersion::parse("2.1.9 (Claude Code)"), Some(CliVersion(2, 1, 9)));
        assert_eq!(CliVersion::parse("2.1.9-beta.1"), Some(CliVersion(2, 1, 9)));
        assert!(CliVersion::parse("2.1.9") < CliVersion::parse("2.1.10"));
        for wrong in ["", "2.1", "v2.1.3", "2.1.3.4", "Claude 2.1.3"] {
            assert_eq!(CliVersion::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_version_has_a_verdict() {
        assert_eq!(judged(TESTED), Verdict::Tested);
        assert_eq!(judged("1.0.128"), Verdict::TooOld);
        assert_eq!(judged(MINIMUM), Verdict::Supported);
        assert_eq!(judged("2.1.243"), Verdict::Supported);
        assert!(matches!(judged("2.1.245"), Verdict::KnownBad(_)));
        assert_eq!(judged("99.0.0"), Verdict::Newer);
    }

    #[test]
    fn only_troublesome_versions_are_worth_a_warning() {
        let of = |text: &str| warning(CliVersion::parse(text).unwrap());
        assert_eq!(of(TESTED), None);
        assert_eq!(of("99.0.0"), None);
        assert!(of("1.2.3").unwrap().contains("too old"));
        assert!(of("2.1.246").unwrap().contains("in-process"));
    }

    #[test]
    fn the_table_is_well_formed() {
        for (from, to, what) in KNOWN_BAD {
            assert!(CliVersion::parse(from).unwrap() <= CliVersion::parse(to).unwrap(), "{from} to {to}");
            assert!(what.contains('#'), "{what} names no report");
        }
    }
}
