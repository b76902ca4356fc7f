//! Enumerations on the way in: a host may pass any number.

use std::mem::MaybeUninit;

/// The number behind a parameter or a result of the host. Read as the enumeration itself, one that it does not have would
/// be undefined behaviour.
///
/// # Safety
/// The host has passed a number: `given` is initialised.
pub unsafe fn number<E>(given: MaybeUninit<E>) -> i32 {
    const { assert!(size_of::<E>() == size_of::<i32>()) };
    // SAFETY: as large as an i32, aligned as one, and initialised by the caller's promise.
    unsafe { given.as_ptr().cast::<i32>().read() }
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
            assert_eq!(number(MaybeUninit::new(-7).as_ptr().cast::<MaybeUninit<Few>>().read()), -7);
        }
    }
}
