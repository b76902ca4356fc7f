//! The command line and the environment of a program on Windows, in UTF-16. Pure, so that the rules are tested everywhere.

/// Units that a command line may have, without its NUL. The system cuts off a longer one or refuses it.
pub const LONGEST_LINE: usize = 32_766;
/// Units that a variable may have, with its name and the equals sign.
pub const LONGEST_VARIABLE: usize = 32_766;

/// What no program can be given.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// A zero in the argument with this number, counted from 1.
    ZeroInArgument(usize),
    ZeroInVariable(String),
    LineTooLong(usize),
    VariableTooLong(String, usize),
}

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;

/// One line from which `CommandLineToArgvW` and the C runtime read back exactly these words. With a NUL at its end.
pub fn command_line(program: &[u16], args: &[Vec<u16>]) -> Result<Vec<u16>, Unusable> {
    // A path has no quotes, and in the first word a backslash is never special.
    let mut line = vec![QUOTE];
    line.extend_from_slice(program);
    line.push(QUOTE);
    for (index, arg) in args.iter().enumerate() {
        if arg.contains(&0) {
            return Err(Unusable::ZeroInArgument(index + 1));
        }
        line.push(u16::from(b' '));
        quote(&mut line, arg);
    }
    if line.len() > LONGEST_LINE {
        return Err(Unusable::LineTooLong(line.len()));
    }
    line.push(0);
    Ok(line)
}

fn quote(line: &mut Vec<u16>, word: &[u16]) {
    let is_special = |unit: &u16| [QUOTE, 0x20, 0x09, 0x0a, 0x0b, 0x0d].contains(unit);
    if !word.is_empty() && !word.iter().any(is_special) {
        return line.extend_from_slice(word);
    }
    line.push(QUOTE);
    let mut backslashes = 0;
    for &unit in word {
        // Backslashes count double in front of a quote only.
        if unit == QUOTE {
            line.extend(std::iter::repeat_n(BACKSLASH, backslashes + 1));
        }
        backslashes = if unit == BACKSLASH { backslashes + 1 } else { 0 };
        line.push(unit);
    }
    line.extend(std::iter::repeat_n(BACKSLASH, backslashes));
    line.push(QUOTE);
}

/// The block that `CreateProcessW` takes: sorted without regard to case, each name once, with the value that was given last.
pub fn environment(variables: &[(Vec<u16>, Vec<u16>)]) -> Result<Vec<u16>, Unusable> {
    let mut sorted = std::collections::BTreeMap::new();
    for (name, value) in variables {
        let shown = || String::from_utf16_lossy(name);
        if name.contains(&0) || value.contains(&0) {
            return Err(Unusable::ZeroInVariable(shown()));
        }
        let length = name.len() + value.len() + 1;
        if length > LONGEST_VARIABLE {
            return Err(Unusable::VariableTooLong(shown(), length));
        }
        let key: Vec<u16> = name.iter().copied().map(upper).collect();
        sorted.insert(key, (name, value));
    }
    let mut block = Vec::new();
    for (name, value) in sorted.values() {
        block.extend_from_slice(name);
        block.push(u16::from(b'='));
        block.extend_from_slice(value);
        block.push(0);
    }
    if block.is_empty() {
        block.push(0);
    }
    block.push(0);
    Ok(block)
}

/// As the system compares names: unit by unit.
fn upper(unit: u16) -> u16 {
    let letter = char::from_u32(unit.into());
    let mut upper = letter.into_iter().flat_map(char::to_uppercase);
    match (upper.next(), upper.next()) {
        (Some(one), None) => u16::try_from(u32::from(one)).unwrap_or(unit),
        _ => unit,
    }
}

/// Whether the system would run this through its command interpreter, which expands `%VAR%` in arguments and cannot be told not
/// to. `x.cmd:stream` and `x.cmd.` run `x.cmd`.
pub fn is_batch_file(path: &str) -> bool {
    path.split(['/', '\\', ':']).any(|part| {
        let plain = part.trim_end_matches(['.', ' ']).to_lowercase();
        plain.ends_with(".bat") || plain.ends_with(".cmd")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    /// What `CommandLineToArgvW` is documented to do.
    fn read_back(line: &[u16]) -> Vec<Vec<u16>> {
        let line = &line[..line.iter().position(|unit| *unit == 0).unwrap()];
        assert_eq!(line[0], QUOTE);
        let end = 1 + line[1..].iter().position(|unit| *unit == QUOTE).unwrap();
        let (mut words, mut at) = (vec![line[1..end].to_vec()], end + 1);
        while at < line.len() {
            while at < line.len() && [0x20, 0x09].contains(&line[at]) {
                at += 1;
            }
            let (mut word, mut quoted) = (Vec::new(), false);
            while at < line.len() && (quoted || ![0x20, 0x09].contains(&line[at])) {
                let slashes = line[at..].iter().take_while(|unit| **unit == BACKSLASH).count();
                at += slashes;
                if line.get(at) != Some(&QUOTE) {
                    word.extend(std::iter::repeat_n(BACKSLASH, slashes));
                    if slashes == 0 {
                        word.push(line[at]);
                        at += 1;
                    }
                    continue;
                }
                word.extend(std::iter::repeat_n(BACKSLASH, slashes / 2));
                if slashes % 2 == 1 {
                    word.push(QUOTE);
                } else {
                    quoted = !quoted;
                }
                at += 1;
            }
            words.push(word);
        }
        words
    }

    #[test]
    fn hostile_words_are_read_back_as_they_were() {
        let texts = [
            "",
            " ",
            "a b",
            "\"",
            "a\"b",
            "\\",
            "a\\",
            "a b\\",
            "a b\\\\",
            "\\\"",
            "a\\\"b",
            "a\\\\\"b",
            "\"\"",
            "\"\"\"",
            "\\\\server\\share\\",
            "\\\\server\\a b\\",
            "%PATH%",
            "^&|<>()!",
            "'single'",
            "*",
            "?.rs",
            "--x={\"a\":\"b c\"}",
            "tab\tx",
            "line\nbreak",
            "cr\rx",
            "日本 🎈",
            "ünï",
            "/c",
            "@file",
            "$HOME `id`",
            "a\u{b}b",
            "end\\\"",
            "\u{feff}",
            "-",
            "\u{202e}x",
            "\" & calc & \"",
            "--settings={\"hooks\":{}}\\",
        ];
        let mut args: Vec<Vec<u16>> = texts.iter().map(|text| wide(text)).collect();
        args.extend([vec![0xd800, 0x41], vec![0x41, 0xdc00]]);
        let program = wide("C:\\Program Files\\claude.exe");
        let words = read_back(&command_line(&program, &args).unwrap());
        assert_eq!(words[0], program);
        assert_eq!(words[1..], args);
    }

    #[test]
    fn what_no_program_can_be_given_is_refused() {
        let program = wide("c.exe");
        assert_eq!(command_line(&program, &[wide("a"), wide("b\0c")]), Err(Unusable::ZeroInArgument(2)));
        let fits = LONGEST_LINE - program.len() - 3;
        assert_eq!(command_line(&program, &[wide(&"x".repeat(fits))]).unwrap().len(), LONGEST_LINE + 1);
        let long = command_line(&program, &[wide(&"x".repeat(fits + 1))]);
        assert_eq!(long, Err(Unusable::LineTooLong(LONGEST_LINE + 1)));
        let variable = |name: &str, value: &str| environment(&[(wide(name), wide(value))]);
        assert_eq!(variable("A", "b\0B=c"), Err(Unusable::ZeroInVariable("A".into())));
        assert!(variable("A", &"x".repeat(LONGEST_VARIABLE - 2)).is_ok());
        let long = variable("A", &"x".repeat(LONGEST_VARIABLE - 1));
        assert_eq!(long, Err(Unusable::VariableTooLong("A".into(), LONGEST_VARIABLE + 1)));
    }

    #[test]
    fn the_environment_is_sorted_without_case_and_has_each_name_once() {
        let given = [
            ("b", "2"),
            ("Path", "one"),
            ("A", ""),
            ("PATH", "two"),
            ("=C:", "C:\\x"),
            ("ü", "u"),
            ("Ü", "U"),
            ("_", "3"),
        ];
        let given: Vec<_> = given.iter().map(|(name, value)| (wide(name), wide(value))).collect();
        let block = String::from_utf16(&environment(&given).unwrap()).unwrap();
        assert_eq!(block, "=C:=C:\\x\0A=\0b=2\0PATH=two\0_=3\0Ü=U\0\0");
        assert_eq!(environment(&[]).unwrap(), [0, 0]);
    }

    #[test]
    fn batch_files_in_every_spelling() {
        for path in ["claude.cmd", "C:\\x\\CLAUDE.BAT", "x.cmd.", "x.bat . .", "x.cmd:stream", "a/b.cmd/c"] {
            assert!(is_batch_file(path), "{path}");
        }
        for path in ["claude.exe", "C:\\cmd\\claude.exe", "C:\\x.cmdx\\claude", "cmd.exe"] {
            assert!(!is_batch_file(path), "{path}");
        }
    }
}
