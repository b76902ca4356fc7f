//! Whether JavaScript reads a text as a regular expression (without the flag `u`): the CLI never calls a hook whose matcher
//! it cannot read.

/// What is wrong with it.
pub fn fault(pattern: &str) -> Option<&'static str> {
    let letters: Vec<char> = pattern.chars().collect();
    Reader { letters: &letters, at: 0, names: Vec::new() }.read().err()
}

struct Reader<'a> {
    letters: &'a [char],
    at: usize,
    names: Vec<String>,
}

type Read = Result<(), &'static str>;

impl Reader<'_> {
    fn read(&mut self) -> Read {
        // Whether the group that is open may be repeated when it closes.
        let mut open: Vec<bool> = Vec::new();
        // Whether a quantifier may stand here.
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

    /// Behind a backslash. Whether what stands there may be repeated.
    fn escape(&mut self) -> Result<bool, &'static str> {
        match self.next() {
            None => Err("a backslash ends it"),
            Some('b' | 'B') => Ok(false),
            Some(_) => Ok(true),
        }
    }

    /// Behind a quantifier, which may be a lazy one.
    fn quantifier(&mut self, repeatable: bool) -> Result<bool, &'static str> {
        if !repeatable {
            return Err("there is nothing to repeat");
        }
        self.take("?");
        Ok(false)
    }

    /// `{3}`, `{3,}`, `{3,5}` behind the brace; any other brace is a letter.
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

    /// Behind an opening parenthesis. Whether the group may be repeated.
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

    /// Behind an opening bracket.
    fn class(&mut self) -> Result<bool, &'static str> {
        self.take("^");
        // What a range may start with: the last letter that stands for itself.
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

    /// A letter inside brackets; the inner `None` is for an escape, whatever it means.
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

    /// Each was given to the real CLI, which tells what it cannot read.
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
