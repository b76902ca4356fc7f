//! Whether JavaScript accepts a text as a regular expression (without the flag `u`): the CLI never calls a hook
//! whose matcher it cannot read.

/// What is wrong with it.
pub fn fault(pattern: &str) -> Option<&'static str> {
    let letters: Vec<char> = pattern.chars().collect();
    Reader { letters: &letters, at: 0, names: Vec::new() }.read().err()
}

/// Longer than any hand-written matcher: not analysed.
const MAX_PATTERN_LEN: usize = 1000;

/// The top-level alternatives of a valid pattern, also if one group holds all of them.
pub fn alternatives(pattern: &str) -> Vec<String> {
    if pattern.len() > MAX_PATTERN_LEN {
        return vec![pattern.to_owned()];
    }
    let parts = at_top(pattern);
    if parts.len() > 1 {
        return parts.iter().flat_map(|part| alternatives(part)).collect();
    }
    let start = if pattern.starts_with('^') { "^" } else { "" };
    let end = if pattern.ends_with('$') { "$" } else { "" };
    let inner = pattern.strip_prefix('^').unwrap_or(pattern);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    match group_of_all(inner) {
        Some(inner) => {
            at_top(inner).iter().flat_map(|part| alternatives(&format!("{start}{part}{end}"))).collect()
        }
        None => vec![pattern.to_owned()],
    }
}

/// The inside of a group that is the whole pattern.
fn group_of_all(pattern: &str) -> Option<&str> {
    let inner = pattern.strip_prefix('(')?.strip_suffix(')')?;
    let inner = inner.strip_prefix("?:").unwrap_or(inner);
    // If the two belonged to different groups, the inside would have a closing parenthesis too many.
    (!inner.starts_with('?') && fault(inner).is_none()).then_some(inner)
}

fn at_top(pattern: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, letter) in plain_letters(pattern) {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                parts.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&pattern[start..]);
    parts
}

/// A valid pattern without lookaheads and lookbehinds: it matches at least what the whole matches.
pub fn without_conditions(pattern: &str) -> String {
    let mut kept = String::new();
    let (mut from, mut depth) = (0, 0_usize);
    let mut inside: Option<usize> = None;
    for (at, letter) in plain_letters(pattern) {
        match letter {
            '(' => {
                let is_condition =
                    ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|word| pattern[at..].starts_with(word));
                if is_condition && inside.is_none() {
                    kept.push_str(&pattern[from..at]);
                    inside = Some(depth);
                }
                depth += 1;
            }
            ')' => {
                depth = depth.saturating_sub(1);
                if inside == Some(depth) {
                    inside = None;
                    from = at + 1;
                }
            }
            _ => {}
        }
    }
    kept.push_str(&pattern[from..]);
    kept
}

/// The characters that are neither escaped nor in brackets.
fn plain_letters(pattern: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut escaped, mut in_class) = (false, false);
    pattern.char_indices().filter(move |(_, letter)| {
        let plain = !escaped && !in_class;
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        plain && !escaped && !in_class
    })
}

struct Reader<'a> {
    letters: &'a [char],
    at: usize,
    names: Vec<String>,
}

type Read = Result<(), &'static str>;

impl Reader<'_> {
    fn read(&mut self) -> Read {
        // For each open group, whether it may be repeated once it closes.
        let mut open: Vec<bool> = Vec::new();
        // Whether a quantifier is allowed here.
        let mut repeatable = false;
        while let Some(letter) = self.next() {
            repeatable = match letter {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => {
                    open.push(self.group()?);
                    false
                }
                ')' => open.pop().ok_or("a parenthesis is not opened")?,
                '*' | '+' | '?' => self.quantifier(repeatable)?,
                '{' if self.is_count() => {
                    self.count()?;
                    self.quantifier(repeatable)?
                }
                '^' | '$' | '|' => false,
                _ => true,
            };
        }
        if open.is_empty() { Ok(()) } else { Err("a parenthesis is not closed") }
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.letters.get(self.at).copied();
        self.at += usize::from(letter.is_some());
        letter
    }

    fn rest_starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, letter)| self.letters.get(self.at + index) == Some(&letter))
    }

    fn take(&mut self, text: &str) -> bool {
        let there = self.rest_starts_with(text);
        self.at += if there { text.chars().count() } else { 0 };
        there
    }

    /// After a backslash. Returns whether the escape may be repeated.
    fn escape(&mut self) -> Result<bool, &'static str> {
        match self.next() {
            None => Err("a backslash ends it"),
            Some('b' | 'B') => Ok(false),
            Some(_) => Ok(true),
        }
    }

    /// After a quantifier, which may be lazy.
    fn quantifier(&mut self, repeatable: bool) -> Result<bool, &'static str> {
        if !repeatable {
            return Err("there is nothing to repeat");
        }
        self.take("?");
        Ok(false)
    }

    /// `{3}`, `{3,}`, `{3,5}` after the brace; any other brace is a literal.
    fn is_count(&self) -> bool {
        self.bounds().is_some()
    }

    fn bounds(&self) -> Option<(String, Option<String>, usize)> {
        let rest = &self.letters[self.at..];
        let end = rest.iter().position(|letter| *letter == '}')?;
        let text: String = rest[..end].iter().collect();
        let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let (least, most) = text.split_once(',').map_or((&*text, None), |(least, most)| (least, Some(most)));
        let fits = digits(least) && most.is_none_or(|most| most.is_empty() || digits(most));
        fits.then(|| (least.to_owned(), most.filter(|most| !most.is_empty()).map(str::to_owned), end + 1))
    }

    fn count(&mut self) -> Read {
        let Some((least, most, length)) = self.bounds() else { return Ok(()) };
        self.at += length;
        let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
        match most {
            Some(most) if number(&most) < number(&least) => {
                Err("the numbers of a repetition are out of order")
            }
            _ => Ok(()),
        }
    }

    /// After an opening parenthesis. Returns whether the group may be repeated.
    fn group(&mut self) -> Result<bool, &'static str> {
        if !self.take("?") {
            return Ok(true);
        }
        if self.take(":") || self.take("=") || self.take("!") {
            return Ok(true);
        }
        if self.take("<=") || self.take("<!") {
            return Ok(false);
        }
        if self.take("<") {
            return self.name().map(|()| true);
        }
        match self.flags() {
            true => Ok(true),
            false => Err("a parenthesis is followed by a question mark"),
        }
    }

    fn name(&mut self) -> Read {
        let mut name = String::new();
        while let Some(letter) = self.next() {
            match letter {
                '>' if !name.is_empty() && !self.names.contains(&name) => {
                    self.names.push(name);
                    return Ok(());
                }
                '>' => return Err("the name of a group is empty or there twice"),
                letter if letter.is_alphanumeric() || matches!(letter, '_' | '$' | '\\' | '{' | '}') => {
                    name.push(letter)
                }
                _ => return Err("the name of a group has other letters"),
            }
        }
        Err("the name of a group does not end")
    }

    /// `(?i:…)`, which newer engines know.
    fn flags(&mut self) -> bool {
        let start = self.at;
        while self.letters.get(self.at).is_some_and(|letter| matches!(letter, 'i' | 'm' | 's' | '-')) {
            self.at += 1;
        }
        self.at > start && self.take(":")
    }

    /// After an opening bracket.
    fn class(&mut self) -> Result<bool, &'static str> {
        self.take("^");
        // What a range may start with: the last literal character.
        let mut from: Option<char> = None;
        loop {
            let letter = self.next().ok_or("a bracket is not closed")?;
            if letter == ']' {
                return Ok(true);
            }
            if letter == '-' && from.is_some() && !self.rest_starts_with("]") {
                let to = self.class_letter().ok_or("a bracket is not closed")?;
                if let (Some(from), Some(to)) = (from.take(), to)
                    && to < from
                {
                    return Err("a range is out of order");
                }
                continue;
            }
            self.at -= 1;
            from = self.class_letter().ok_or("a bracket is not closed")?;
        }
    }

    /// A character inside brackets; the inner `None` is for an escape, whatever it means.
    fn class_letter(&mut self) -> Option<Option<char>> {
        match self.next()? {
            '\\' => self.next().map(|_| None),
            letter => Some(Some(letter)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_falls_into_the_parts_that_stand_beside_each_other() {
        for (pattern, parts) in [
            ("bash|Write.*", vec!["bash", "Write.*"]),
            ("^(bash|Write)$", vec!["^bash$", "^Write$"]),
            ("(?:a|(b|c))", vec!["a", "b", "c"]),
            ("(a|b)(c|d)", vec!["(a|b)(c|d)"]),
            ("x(a|b)", vec!["x(a|b)"]),
            ("[|]|\\|", vec!["[|]", "\\|"]),
            ("(?!a|b)c", vec!["(?!a|b)c"]),
            ("a|", vec!["a", ""]),
        ] {
            assert_eq!(alternatives(pattern), parts, "{pattern}");
        }
    }

    #[test]
    fn conditions_are_left_out_and_all_else_stays() {
        for (pattern, kept) in [
            ("(?!Write)bash", "bash"),
            ("^(?!Write)", "^"),
            ("a(?=(b)c)d(?<!e)(?:f)", "ad(?:f)"),
            ("(a)\\(?=", "(a)\\(?="),
            ("(?<n>B)ash", "(?<n>B)ash"),
        ] {
            assert_eq!(without_conditions(pattern), kept, "{pattern}");
        }
    }

    /// Each was given to the real CLI, which reports what it cannot read.
    #[test]
    fn what_javascript_reads_passes_and_what_it_does_not_is_named() {
        for pattern in [
            "",
            "Bash.*",
            "^Bash$",
            "(?=B)Bash",
            "(?=B)*Bash",
            "(?<!x)Bash",
            "(?<n>B)ash\\k<n>",
            "(B)(a)\\1?sh",
            "^(?!Write)",
            "{",
            "}",
            "]",
            "Bash{",
            "a{,3}",
            "a{2}",
            "a{2,}?",
            "a{2,3}+?".trim_end_matches("+?"),
            "x*?",
            "[a-z]",
            "[z\\-a]",
            "[-a]",
            "[a-]",
            "[]",
            "[^]",
            "[\\w-a]",
            "\\p{L}",
            "mcp__.*__(read|write)",
            "a|b|",
            "()",
            "(a)*",
        ] {
            assert_eq!(fault(pattern), None, "{pattern}");
        }
        for pattern in [
            "*Bash",
            "B**",
            "a{2}{3}",
            "x{3,1}",
            "[z-a]",
            "\\",
            "Bash\\",
            "(",
            ")",
            "(?:",
            "(?<n",
            "(?<>a)",
            "(?i)bash",
            "(?P<n>a)",
            "[",
            "[a",
            "^*",
            "+",
            "?",
            "(*)",
            "(?<=a)*",
            "|*",
            "(?<n>a)(?<n>b)",
            "\\b*",
            "a*{2}",
        ] {
            assert!(fault(pattern).is_some(), "{pattern}");
        }
    }
}
