//! Handles whose value is an id, not an address.
//!
//! A slot number, a generation and a tag of the type are packed into an odd number of at most 47 bits (so that
//! it never equals an aligned pointer and fits the tagged values of scripting languages). A stale, freed,
//! foreign or NULL handle is therefore detected by a lookup instead of causing a crash.

use std::collections::VecDeque;
use std::sync::RwLock;

#[cfg(target_pointer_width = "64")]
mod layout {
    pub const SLOT_BITS: u32 = 20;
    pub const GENERATION_BITS: u32 = 21;
    pub const TAG_BITS: u32 = 4;
}
#[cfg(target_pointer_width = "32")]
mod layout {
    pub const SLOT_BITS: u32 = 14;
    pub const GENERATION_BITS: u32 = 13;
    pub const TAG_BITS: u32 = 4;
}
use layout::*;

/// How many slots wait in the free list before one is reused, so that for a long time a stale id meets a
/// changed generation.
const REUSE_DISTANCE: usize = 64;

struct Slot<T> {
    generation: usize,
    value: Option<T>,
}

struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: VecDeque<usize>,
}

/// All live objects of one type. Those that a call may use while another thread frees them are in an `Arc`.
pub struct Table<T> {
    tag: usize,
    inner: RwLock<Slots<T>>,
}

impl<T> Table<T> {
    /// `tag` distinguishes the types: each table has its own, between 1 and 15.
    pub const fn new(tag: usize) -> Table<T> {
        assert!(tag > 0 && tag < 1 << TAG_BITS);
        Table { tag, inner: RwLock::new(Slots { slots: Vec::new(), free: VecDeque::new() }) }
    }

    /// Stores `value` and returns its handle, or `None` when the table is full.
    pub fn insert<H>(&self, value: T) -> Option<*mut H> {
        let mut inner = self.write();
        let reusable = inner.free.len() > REUSE_DISTANCE || inner.slots.len() >= 1 << SLOT_BITS;
        let index = match reusable.then(|| inner.free.pop_front()).flatten() {
            Some(index) => index,
            None if inner.slots.len() < 1 << SLOT_BITS => {
                inner.slots.push(Slot { generation: 1, value: None });
                inner.slots.len() - 1
            }
            None => return None,
        };
        let slot = &mut inner.slots[index];
        slot.value = Some(value);
        Some(self.encode(index, slot.generation))
    }

    /// The object behind a handle; `None` for anything that is not a live handle of this table.
    pub fn get<H>(&self, handle: *const H) -> Option<T>
    where
        T: Clone,
    {
        self.look(handle, T::clone)
    }

    /// Runs `look` on the object behind a handle. Nothing can be freed meanwhile, so it must be short.
    #[inline]
    pub fn look<H, R>(&self, handle: *const H, look: impl FnOnce(&T) -> R) -> Option<R> {
        let (index, generation) = self.decode(handle)?;
        let inner = self.inner.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let slot = inner.slots.get(index)?;
        if slot.generation != generation {
            return None;
        }
        slot.value.as_ref().map(look)
    }

    /// Invalidates the handle. Of several threads that race, exactly one gets the object.
    pub fn remove<H>(&self, handle: *const H) -> Option<T> {
        let (index, generation) = self.decode(handle)?;
        let mut inner = self.write();
        let slot = inner.slots.get_mut(index)?;
        if slot.generation != generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = (slot.generation + 1) & ((1 << GENERATION_BITS) - 1);
        inner.free.push_back(index);
        Some(value)
    }

    /// Every live object, for what concerns all of them (shutdown).
    pub fn all(&self) -> Vec<T>
    where
        T: Clone,
    {
        let inner = self.inner.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        inner.slots.iter().filter_map(|slot| slot.value.clone()).collect()
    }

    /// How many live objects there are.
    pub fn count(&self) -> usize {
        let inner = self.inner.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        inner.slots.iter().filter(|slot| slot.value.is_some()).count()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Slots<T>> {
        self.inner.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn encode<H>(&self, index: usize, generation: usize) -> *mut H {
        let id = ((self.tag << GENERATION_BITS | generation) << SLOT_BITS | index) << 1 | 1;
        std::ptr::without_provenance_mut(id)
    }

    #[inline]
    fn decode<H>(&self, handle: *const H) -> Option<(usize, usize)> {
        let id = handle.addr();
        if id & 1 == 0 || id >> (1 + SLOT_BITS + GENERATION_BITS) != self.tag {
            return None;
        }
        let index = (id >> 1) & ((1 << SLOT_BITS) - 1);
        let generation = (id >> (1 + SLOT_BITS)) & ((1 << GENERATION_BITS) - 1);
        Some((index, generation))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    enum Opaque {}

    #[test]
    fn a_handle_dies_with_its_object() {
        let table: Table<Arc<u32>> = Table::new(3);
        let handle: *mut Opaque = table.insert(Arc::new(7)).unwrap();
        assert_eq!(table.get(handle).as_deref(), Some(&7));
        assert_eq!(table.count(), 1);
        assert_eq!(table.remove(handle).as_deref(), Some(&7));
        assert!(table.get(handle).is_none() && table.count() == 0);
        assert!(table.remove(handle).is_none());
    }

    #[test]
    fn a_reused_slot_does_not_answer_to_its_old_handle() {
        let table: Table<usize> = Table::new(1);
        let old: *mut Opaque = table.insert(0).unwrap();
        table.remove(old);
        for round in 0..10 * REUSE_DISTANCE {
            let handle: *mut Opaque = table.insert(round).unwrap();
            assert!(table.get(old).is_none());
            table.remove(handle);
        }
        assert!(table.inner.read().unwrap().slots.len() <= REUSE_DISTANCE + 2);
    }

    #[test]
    fn foreign_values_are_refused() {
        let table: Table<u32> = Table::new(2);
        let other: Table<u32> = Table::new(4);
        let foreign: *mut Opaque = other.insert(1).unwrap();
        assert!(table.get(foreign).is_none());
        assert!(table.get(std::ptr::null::<Opaque>()).is_none());
        let on_stack = 5u64;
        assert!(table.get(&raw const on_stack).is_none());
        assert!(table.get(std::ptr::without_provenance::<Opaque>(usize::MAX)).is_none());
    }

    #[test]
    fn handles_fit_47_bits() {
        let table: Table<u32> = Table::new(15);
        let handle: *mut Opaque = table.insert(1).unwrap();
        assert!((handle.addr() as u64) < 1 << 47);
    }
}
