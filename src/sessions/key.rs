//! The name that the CLI gives to the folder of a project's sessions.

use std::path::{Path, PathBuf};

/// How many UTF-16 units of a path are kept as they are.
pub const MAX_KEY_LEN: usize = 200;

/// The key of a folder as the CLI names it on this system.
pub fn of_folder(folder: &Path) -> String {
    of_path(&real_path(folder).to_string_lossy())
}

/// The path without symlinks; for a folder that does not exist, the absolute path.
pub fn real_path(folder: &Path) -> PathBuf {
    let absolute = || std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    std::fs::canonicalize(folder).map_or_else(|_| absolute(), plain)
}

/// As programs show it: Windows answers with `\\?\C:\folder` and `\\?\UNC\server\share`.
fn plain(path: PathBuf) -> PathBuf {
    let rest = path.to_str().and_then(|text| text.strip_prefix(r"\\?\"));
    match rest.map(|rest| (rest, rest.strip_prefix(r"UNC\"))) {
        Some((_, Some(share))) => format!(r"\\{share}").into(),
        Some((rest, None)) => rest.into(),
        None => path,
    }
}

/// JavaScript counts UTF-16 units: a character beyond U+FFFF becomes two dashes.
pub fn of_path(path: &str) -> String {
    let dashed = dashed(path);
    if dashed.len() <= MAX_KEY_LEN {
        return dashed;
    }
    format!("{}-{}", &dashed[..MAX_KEY_LEN], base36(hash(path)))
}

fn dashed(path: &str) -> String {
    let unit = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii_alphanumeric() => char::from(byte),
        _ => '-',
    };
    path.encode_utf16().map(unit).collect()
}

fn hash(path: &str) -> u32 {
    let hash = path.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    hash.unsigned_abs()
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit(number % 36, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_counts_utf_16_units() {
        for (path, key) in [
            ("/home/my app_1", "-home-my-app-1"),
            ("caf\u{e9}", "caf-"),
            ("cafe\u{301}", "cafe-"),
            ("日本", "--"),
            ("\u{1F600}x", "--x"),
            ("", ""),
        ] {
            assert_eq!(of_path(path), key, "{path}");
        }
    }

    #[test]
    fn a_path_of_windows_is_as_programs_show_it() {
        for (path, shown) in [
            (r"\\?\C:\my app", r"C:\my app"),
            (r"\\?\UNC\server\share\x", r"\\server\share\x"),
            ("/a/b", "/a/b"),
        ] {
            assert_eq!(plain(path.into()), Path::new(shown));
        }
    }

    #[test]
    fn a_long_path_is_cut_and_gets_its_hash() {
        let path = format!("/{}", "d".repeat(230));
        let key = of_path(&path);
        assert_eq!(&key[..MAX_KEY_LEN + 1], format!("-{}-", "d".repeat(199)));
        assert_ne!(key, of_path(&format!("{path}e")));
        assert_eq!(of_path(&format!("/{}", "d".repeat(199))).len(), MAX_KEY_LEN);
        assert_eq!((base36(0), base36(35), base36(36)), ("0".into(), "z".into(), "10".into()));
        assert_eq!(hash("ab"), 97 * 31 + 98);
    }

    #[test]
    fn a_symlink_has_the_key_of_its_target() {
        let base = tempfile::tempdir().unwrap();
        let target = base.path().join("target");
        std::fs::create_dir(&target).unwrap();
        std::os::unix::fs::symlink(&target, base.path().join("link")).unwrap();
        assert_eq!(of_folder(&base.path().join("link")), of_folder(&target));
    }
}
