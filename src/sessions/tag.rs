//! A tag without what nobody sees.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Taking something out may bring together what normalises again.
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

fn is_visible(letter: char) -> bool {
    let kind = letter.general_category();
    !matches!(kind, GeneralCategory::Format | GeneralCategory::PrivateUse | GeneralCategory::Unassigned)
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
    }
}
