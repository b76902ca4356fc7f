//! Names that nobody knows, and what they were most likely meant to be. Case, `-` and `_` do not count.

/// Longer than any known name: not worth a comparison.
const LONGEST: usize = 64;

/// The known name that `name` was most likely meant to be.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    within(name, known, usize::MAX)
}

/// The known name that `name` surely is with a slip in it; `None` for a known one, and for one that a later version may know.
pub fn misspelt<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if known.contains(&name) { None } else { within(name, known.iter().copied(), 2) }
}

fn within<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Option<&'a str> {
    let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    if name.len() > LONGEST {
        return None;
    }
    let wanted = plain(name);
    let scored = known.into_iter().map(|word| (strsim::osa_distance(&wanted, &plain(word)), word));
    let (distance, word) = scored.min_by_key(|(distance, _)| *distance)?;
    // A third of the letters may differ; more than that would suggest something unrelated.
    (distance <= most && distance * 3 <= wanted.chars().count()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_name_is_not() {
        let known = ["decision", "permissionDecision", "name"];
        for (name, meant) in [
            ("decison", Some("decision")),
            ("permission_decision", Some("permissionDecision")),
            ("permissionDecision", None),
            ("permissionDecisionReason", None),
            ("size", None),
        ] {
            assert_eq!(misspelt(name, &known), meant, "{name}");
        }
        assert_eq!(nearest("permissionDecisionReason", known), Some("permissionDecision"));
        assert_eq!(nearest(&"x".repeat(1000), known), None);
    }
}
