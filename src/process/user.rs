//! Looks up the OS user that a child is to run as.

use std::ffi::{CStr, CString};

use super::{FailureKind, SpawnFailure};

/// The ids that the child takes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub uid: libc::uid_t,
    pub gid: libc::gid_t,
    pub groups: Vec<libc::gid_t>,
}

/// Finds a user by name, or by uid if no user has that name.
pub(super) fn find(user: &str) -> Result<Identity, SpawnFailure> {
    let unknown = || {
        let text = format!("the user {user} does not exist on this system; name one of getent passwd");
        SpawnFailure::new(FailureKind::UserUnknown, None, text)
    };
    let name = CString::new(user).map_err(|_| unknown())?;
    let by_name = |entry: &mut libc::passwd, buffer: &mut [libc::c_char], found: &mut *mut libc::passwd| {
        // SAFETY: every pointer is to a live local, and the length is the buffer's own.
        unsafe { libc::getpwnam_r(name.as_ptr(), entry, buffer.as_mut_ptr(), buffer.len(), found) }
    };
    if let Some(identity) = look_up(by_name) {
        return Ok(identity);
    }
    let uid: libc::uid_t = user.parse().map_err(|_| unknown())?;
    let by_number = |entry: &mut libc::passwd, buffer: &mut [libc::c_char], found: &mut *mut libc::passwd| {
        // SAFETY: as above.
        unsafe { libc::getpwuid_r(uid, entry, buffer.as_mut_ptr(), buffer.len(), found) }
    };
    // A uid without an entry is a valid user: containers run under such ones.
    Ok(look_up(by_number).unwrap_or(Identity { uid, gid: uid, groups: vec![uid] }))
}

/// The uid and gid that must own what a child of this user is to read.
pub fn owner(user: &str) -> Option<(u32, u32)> {
    find(user).ok().map(|identity| (identity.uid, identity.gid))
}

type Lookup<'a> = dyn Fn(&mut libc::passwd, &mut [libc::c_char], &mut *mut libc::passwd) -> libc::c_int + 'a;

#[allow(clippy::disallowed_methods)] // Text from the system, not from the host.
fn look_up(
    query: impl Fn(&mut libc::passwd, &mut [libc::c_char], &mut *mut libc::passwd) -> libc::c_int,
) -> Option<Identity> {
    let query: &Lookup<'_> = &query;
    let mut buffer = vec![0 as libc::c_char; 4096];
    loop {
        // SAFETY: passwd is a plain C struct for which zero is a valid value.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        match query(&mut entry, &mut buffer, &mut found) {
            libc::ERANGE if buffer.len() < 1 << 20 => buffer.resize(buffer.len() * 4, 0),
            libc::EINTR => {}
            0 if !found.is_null() => {
                // SAFETY: a successful lookup points pw_name at a NUL-terminated string inside the buffer, which is alive.
                let name = unsafe { CStr::from_ptr(entry.pw_name) };
                return Some(Identity {
                    uid: entry.pw_uid,
                    gid: entry.pw_gid,
                    groups: groups(name, entry.pw_gid),
                });
            }
            _ => return None,
        }
    }
}

#[cfg(target_os = "macos")]
type GroupNumber = libc::c_int;
#[cfg(not(target_os = "macos"))]
type GroupNumber = libc::gid_t;

fn groups(name: &CStr, gid: libc::gid_t) -> Vec<libc::gid_t> {
    let mut list: Vec<GroupNumber> = vec![0; 64];
    loop {
        let mut count = list.len() as libc::c_int;
        // SAFETY: the list has room for `count` entries, and the name is NUL-terminated.
        let result =
            unsafe { libc::getgrouplist(name.as_ptr(), gid as GroupNumber, list.as_mut_ptr(), &mut count) };
        let count = usize::try_from(count).unwrap_or(0);
        if result >= 0 {
            list.truncate(count);
            return list.into_iter().map(|group| group as libc::gid_t).collect();
        }
        if list.len() >= 65536 {
            return vec![gid];
        }
        let room = count.max(list.len() * 2);
        list.resize(room, 0);
    }
}
