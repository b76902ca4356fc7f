//! Structs that grow: each begins with `size`, which the host sets to its `sizeof`. An older host's struct is
//! shorter than ours, a newer host's longer.

use std::mem::MaybeUninit;

use crate::error::{Error, Result, Status};

/// No struct of ours is larger: such a `size` was never set.
const MOST: usize = 4096;

/// A struct of the header.
///
/// # Safety
/// It is `repr(C)`, its first member is `size: usize`, and any bytes of a host are a valid value of it, all zeros included:
/// its members are numbers, pointers and functions that may be NULL.
pub unsafe trait Versioned: Copy {
    const NAME: &'static str;
    /// The size of its first version. It never changes.
    const FIRST: usize;
}

/// What the host passed: its members, with zeros for those it does not have, and whether it set one that we do
/// not know. Kept apart, so that what the host wants freed can be freed in either case.
pub struct Given<T> {
    pub value: T,
    pub understood: Result<()>,
}

/// The size given in the host's struct, if a version has it.
///
/// # Safety
/// `given` is NULL, or points to a struct that begins with its size.
unsafe fn size_of_host<T: Versioned>(given: *const T, argument: &str) -> Result<usize> {
    if given.is_null() {
        return Err(wrong::<T>(argument, format!("{argument} is NULL")));
    }
    // SAFETY: `size` is the first member of every version.
    let size = unsafe { given.cast::<usize>().read() };
    if size < T::FIRST || size > MOST {
        return Err(wrong::<T>(argument, format!("{argument}->size is {size}, which no version of it has")));
    }
    Ok(size)
}

/// A struct of the host. `argument` is the parameter's name in the header.
///
/// # Safety
/// `given` is NULL, or points to a struct that begins with its size and is readable for as many bytes.
pub unsafe fn read<T: Versioned>(given: *const T, argument: &str) -> Result<Given<T>> {
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_host(given, argument)? };
    let mut value = MaybeUninit::<T>::zeroed();
    let known = size.min(size_of::<T>());
    // SAFETY: that many bytes are readable there and writable here; any bytes are a valid value, by the promise
    // of the trait.
    let value = unsafe {
        std::ptr::copy_nonoverlapping(given.cast::<u8>(), value.as_mut_ptr().cast::<u8>(), known);
        value.assume_init()
    };
    // SAFETY: the host's struct has `size` bytes.
    let beyond = unsafe { std::slice::from_raw_parts(given.cast::<u8>().add(known), size - known) };
    let understood = match beyond.iter().position(|byte| *byte != 0) {
        None => Ok(()),
        Some(at) => Err(Error::new(
            Status::Unsupported,
            format!(
                "{argument} has a member at byte {} that this version of the library does not know",
                known + at
            ),
        )
        .with("argument", argument)
        .with("remedy", "leave it zero, or use a newer library: see claude_version")),
    };
    Ok(Given { value, understood })
}

/// Writes as much of `value` as the host's struct has room for, and zeros after it; its `size` stays.
///
/// # Safety
/// `into` is NULL, or points to a struct that begins with its size and is writable for as many bytes.
pub unsafe fn write<T: Versioned>(into: *mut T, value: T, argument: &str) -> Result<()> {
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_host(into, argument)? };
    let known = size.min(size_of::<T>());
    let from = size_of::<usize>();
    // SAFETY: both have `known` bytes, and the host's has `size`.
    unsafe {
        let (source, target) = ((&raw const value).cast::<u8>(), into.cast::<u8>());
        std::ptr::copy_nonoverlapping(source.add(from), target.add(from), known - from);
        target.add(known).write_bytes(0, size - known);
    }
    Ok(())
}

/// As [`write`], for a value whose members `fill` sets: in place, where the host has the same version.
///
/// # Safety
/// As [`write`].
#[inline]
pub unsafe fn fill<T: Versioned>(into: *mut T, argument: &str, fill: impl FnOnce(&mut T)) -> Result<()> {
    // SAFETY: `size` is the first member of every version.
    if !into.is_null() && unsafe { into.cast::<usize>().read() } == size_of::<T>() {
        // SAFETY: the host's struct is as large as ours, and any bytes are a valid value by the promise of the trait.
        fill(unsafe { &mut *into });
        return Ok(());
    }
    // SAFETY: zeros are a valid value by the promise of the trait.
    let mut value: T = unsafe { MaybeUninit::zeroed().assume_init() };
    fill(&mut value);
    // SAFETY: the caller's promise.
    unsafe { write(into, value, argument) }
}

fn wrong<T: Versioned>(argument: &str, message: String) -> Error {
    Error::new(Status::InvalidArgument, message)
        .with("argument", argument)
        .with("remedy", format!("zero the struct and set size to sizeof({})", T::NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The third version; the first one ended after `first`, the second after `second`.
    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Grown {
        size: usize,
        first: usize,
        second: usize,
        third: usize,
    }

    // SAFETY: numbers alone, `size` first.
    unsafe impl Versioned for Grown {
        const NAME: &'static str = "grown_t";
        const FIRST: usize = 2 * size_of::<usize>();
    }

    const WORD: usize = size_of::<usize>();

    fn given(words: &[usize]) -> Result<Given<Grown>> {
        // SAFETY: there are as many words as the first one says, or the size is refused before anything else is read.
        unsafe { read(words.as_ptr().cast(), "grown") }
    }

    #[test]
    fn an_older_host_gets_the_defaults() {
        for words in 2..=4 {
            let given = given(&[words * WORD, 7, 7, 7][..words]).unwrap();
            let expected = [words * WORD, 7, 7, 7].map(|word| word);
            let value = [given.value.size, given.value.first, given.value.second, given.value.third];
            assert_eq!(value[..words], expected[..words]);
            assert!(value[words..].iter().all(|word| *word == 0));
            assert!(given.understood.is_ok());
        }
    }

    #[test]
    fn a_newer_host_is_understood_if_it_does_not_use_what_is_new() {
        assert!(given(&[6 * WORD, 1, 2, 3, 0, 0]).unwrap().understood.is_ok());
        let given = given(&[6 * WORD, 1, 2, 3, 0, 9]).unwrap();
        assert_eq!(given.value.third, 3);
        let error = given.understood.unwrap_err();
        assert_eq!(error.status, Status::Unsupported);
        assert!(error.message.contains(&format!("byte {}", 5 * WORD)), "{}", error.message);
    }

    #[test]
    fn a_size_that_no_version_has_is_refused() {
        for size in [0, WORD, 2 * WORD - 1, MOST + 1, usize::MAX] {
            let error = given(&[size, 1, 2, 3]).err().unwrap();
            assert_eq!(error.status, Status::InvalidArgument, "{size}");
            assert!(error.to_json().contains("sizeof(grown_t)"), "{}", error.to_json());
        }
        // SAFETY: NULL is checked for.
        assert!(unsafe { read::<Grown>(std::ptr::null(), "grown") }.is_err());
    }

    #[test]
    fn a_host_gets_as_much_as_it_has_room_for() {
        let value = Grown { size: 0, first: 1, second: 2, third: 3 };
        let mut words = [3 * WORD, 9, 9, 9, 9];
        // SAFETY: there are more words than the first one says.
        unsafe { write(words.as_mut_ptr().cast(), value, "grown") }.unwrap();
        assert_eq!(words, [3 * WORD, 1, 2, 9, 9]);
        let mut words = [5 * WORD, 9, 9, 9, 9];
        // SAFETY: there are as many words as the first one says.
        unsafe { write(words.as_mut_ptr().cast(), value, "grown") }.unwrap();
        assert_eq!(words, [5 * WORD, 1, 2, 3, 0]);
        // SAFETY: NULL is checked for.
        assert!(unsafe { write::<Grown>(std::ptr::null_mut(), value, "grown") }.is_err());
    }
}
