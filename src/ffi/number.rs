//! Enumerations on the way in: a host may pass any number.

use std::mem::MaybeUninit;

/// The number behind a parameter or a result of the host. Reading an unknown value as the enumeration itself
/// would be undefined behaviour.
///
/// # Safety
/// The host has passed a number: `given` is initialised.
pub unsafe fn number<E>(given: MaybeUninit<E>) -> i32 {
    const { assert!(size_of::<E>() == size_of::<i32>()) };
    // SAFETY: same size and alignment as an i32, and initialised by the caller's promise.
    unsafe { given.as_ptr().cast::<i32>().read() }
}

/// A number as a host written in Rust passes it.
#[cfg(any(test, feature = "internals"))]
pub fn given<E>(number: i32) -> MaybeUninit<E> {
    const { assert!(size_of::<E>() == size_of::<i32>()) };
    // SAFETY: same size, and any bytes are a valid `MaybeUninit`.
    unsafe { std::mem::transmute_copy(&number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(i32)]
    enum Few {
        One = 1,
    }

    #[test]
    fn any_number_can_be_looked_at() {
        // SAFETY: both are initialised.
        unsafe {
            assert_eq!(number(MaybeUninit::new(Few::One)), 1);
            assert_eq!(number(given::<Few>(-7)), -7);
        }
    }
}
