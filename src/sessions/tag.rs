//! A tag without invisible characters.

use unicode_normalization::UnicodeNormalization;

/// Removing a character may join others that then need normalising again.
const ROUNDS: usize = 10;

/// The tag as it is written: normalised, and without invisible, private and unassigned characters.
pub fn tidy(tag: &str) -> String {
    let mut tidy = tag.to_owned();
    for _ in 0..ROUNDS {
        let next: String = tidy.nfkc().filter(|letter| is_visible(*letter)).collect();
        if next == tidy {
            break;
        }
        tidy = next;
    }
    tidy.trim().to_owned()
}

/// Neither a format character, nor private, nor unassigned: those are what Rust escapes when it prints a text
/// for debugging, besides controls and spaces. The letter before it keeps combining characters from being
/// escaped as well.
fn is_visible(letter: char) -> bool {
    let is_escaped = || String::from_iter(['a', letter]).escape_debug().any(|shown| shown == '{');
    letter == '{' || letter.is_control() || letter.is_whitespace() || !is_escaped()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_nothing_that_nobody_sees() {
        assert_eq!(tidy(" \u{FB01}ne\u{200B}\u{202E}\u{FEFF} \u{E000}x\u{378} "), "fine x");
        assert_eq!(tidy("e\u{200D}\u{301}"), "\u{e9}");
        assert_eq!(tidy("\u{1F600} 日本"), "\u{1F600} 日本");
        assert_eq!(tidy("\u{200B}\u{2066}"), "");
        assert_eq!(tidy("{a\u{301}\u{20DD}\u{3000}b\t\\\"'c}"), "{á\u{20DD} b\t\\\"'c}");
        assert_eq!(
            tidy("\u{AD}\u{600}\u{61C}\u{200C}\u{E0041}\u{F0000}\u{10FFFF}\u{FDD0}x\u{2028}y"),
            "x\u{2028}y"
        );
    }
}
