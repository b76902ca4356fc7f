//! Documents out of a fuzzer's bytes: mostly well formed, of words that mean something, with slips in them.

pub struct Source<'a>(pub &'a [u8]);

/// What documents are made of.
pub struct Words {
    pub names: &'static [&'static str],
    pub texts: &'static [&'static str],
}

impl Source<'_> {
    /// 0 when there are no more.
    pub fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    pub fn pick<'w, T: ?Sized>(&mut self, words: &[&'w T]) -> &'w T {
        words[usize::from(self.byte()) % words.len()]
    }

    /// A text of the bytes that follow, cut where they are no UTF-8.
    fn bytes(&mut self) -> String {
        let length = usize::from(self.byte() % 24).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// A word as it is, or as somebody else would write it.
    fn spelled(&mut self, word: &str) -> String {
        let how = self.byte();
        let mut text = word.to_owned();
        let at = usize::from(how >> 4) % word.len().max(1);
        if !word.is_char_boundary(at) || word.is_empty() {
            return text;
        }
        match how & 15 {
            8 => text = word.to_lowercase(),
            9 => text = word.to_uppercase(),
            10 => text.insert(at, '_'),
            11 => drop(text.remove(at)),
            12 => text.push(if how & 16 == 0 { '_' } else { ' ' }),
            13 => {
                text = word
                    .chars()
                    .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
                    .collect()
            }
            14 => text.insert(0, ' '),
            _ => {}
        }
        text
    }

    /// The string in JSON, now and then with an escape that nobody needs.
    fn quoted(&mut self, text: &str, out: &mut String) {
        let escaped = self.byte();
        out.push('"');
        for (at, letter) in text.chars().enumerate() {
            match letter {
                '"' | '\\' => out.extend(['\\', letter]),
                _ if letter < ' ' || (escaped > 200 && at == usize::from(escaped & 7)) => {
                    let mut units = [0; 2];
                    letter
                        .encode_utf16(&mut units)
                        .iter()
                        .for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
                }
                _ => out.push(letter),
            }
        }
        if escaped == 200 {
            out.push_str("\\ud83d");
        }
        out.push('"');
    }

    pub fn value(&mut self, words: &Words, levels: usize, out: &mut String) {
        if self.0.is_empty() {
            return out.push_str("{}");
        }
        match self.byte() % 24 {
            0 | 1 => out.push_str("true"),
            2 | 3 => out.push_str("false"),
            4 => out.push_str("null"),
            5 => out.push_str(self.pick(&[
                "0",
                "-1",
                "1.5e3",
                "1e999",
                "4294967296",
                "18446744073709551616",
                "600000",
            ])),
            6 => {
                let text = self.bytes();
                self.quoted(&text, out);
            }
            7 => {
                let mut inner = String::new();
                if levels > 0 {
                    self.object(words, levels - 1, &mut inner);
                }
                self.quoted(&inner, out);
            }
            8..=14 => {
                let word = self.pick(words.texts);
                let text = self.spelled(word);
                self.quoted(&text, out);
            }
            15 | 16 => self.list(words, levels, out),
            _ => self.object(words, levels, out),
        }
    }

    fn list(&mut self, words: &Words, levels: usize, out: &mut String) {
        out.push('[');
        let count = if levels == 0 { 0 } else { self.byte() % 4 };
        for at in 0..count {
            if at > 0 {
                out.push(',');
            }
            self.value(words, levels - 1, out);
        }
        out.push(']');
    }

    pub fn object(&mut self, words: &Words, levels: usize, out: &mut String) {
        out.push('{');
        let count = if levels == 0 { 0 } else { self.byte() % 6 };
        for at in 0..count {
            if at > 0 {
                out.push(',');
            }
            let word = self.pick(words.names);
            let name = self.spelled(word);
            self.quoted(&name, out);
            out.push_str(if self.byte() > 250 { " : \n" } else { ":" });
            self.value(words, levels - 1, out);
        }
        out.push('}');
    }
}
