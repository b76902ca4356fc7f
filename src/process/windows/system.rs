//! What the other rooms ask the system, and std has no function for.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::Once;

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, GENERIC_WRITE, LocalFree, WAIT_TIMEOUT};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_DELETE, FILE_SHARE_READ,
    GetDiskFreeSpaceExW,
};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};
use windows_sys::Win32::System::Threading::{
    CreateEventW, OpenProcess, PROCESS_SYNCHRONIZE, ResetEvent, SetEvent, WaitForSingleObject,
};

use super::pipes::{owned, wide};

/// A manual-reset event: it stays as it was set, whoever waits for it.
pub struct Event(OwnedHandle);

impl Event {
    pub fn new() -> io::Result<Event> {
        // SAFETY: neither a name nor a security descriptor is given.
        let handle = unsafe { CreateEventW(null(), 1, 0, null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a handle that the system has just opened for us.
        Ok(Event(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    pub fn handle(&self) -> isize {
        self.0.as_raw_handle().expose_provenance() as isize
    }

    pub fn set(&self, signalled: bool) {
        let handle = self.0.as_raw_handle();
        // SAFETY: the handle is an event's, and open.
        unsafe {
            if signalled {
                SetEvent(handle)
            } else {
                ResetEvent(handle)
            };
        }
    }
}

/// The library's threads run its code until they end, so from the first one on it stays loaded, whoever unloads it.
pub fn stay_loaded() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let address: fn() = stay_loaded;
        let mut module = null_mut();
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
        // SAFETY: the address lies in this module, and the place for its handle is writable.
        unsafe { GetModuleHandleExW(flags, address as *const u16, &mut module) };
    });
}

/// Whether a process of this number runs, also one of another user.
pub fn is_running(pid: u32) -> bool {
    // SAFETY: asks for a handle that is not inheritable.
    let handle = unsafe { OpenProcess(PROCESS_SYNCHRONIZE, 0, pid) };
    if handle.is_null() {
        return io::Error::last_os_error().raw_os_error() == Some(ERROR_ACCESS_DENIED as i32);
    }
    // SAFETY: a handle that the system has just opened for us.
    let process = unsafe { OwnedHandle::from_raw_handle(handle) };
    // SAFETY: the handle is open.
    unsafe { WaitForSingleObject(process.as_raw_handle(), 0) == WAIT_TIMEOUT }
}

/// The user and group that must own what a child of this user is to read: no program is started as another user here.
pub fn owner(_user: &str) -> Option<(u32, u32)> {
    None
}

/// What this user may still write to the disk of a folder.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let (folder, mut free) = (wide(folder.as_os_str()), 0);
    // SAFETY: the path ends with a NUL, and the number is writable.
    let known = unsafe { GetDiskFreeSpaceExW(folder.as_ptr(), &mut free, null_mut(), null_mut()) } != 0;
    known.then_some(free)
}

/// A new folder that only its owner, administrators and the system can enter, whatever its parent allows.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    with_private_rights(|rights| {
        let path = wide(path.as_os_str());
        // SAFETY: the path ends with a NUL, and the rights are alive.
        match unsafe { CreateDirectoryW(path.as_ptr(), rights) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    })
}

/// A new file to be written to, which only its owner, administrators and the system can read. Nothing may be there, not even a
/// link.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    with_private_rights(|rights| {
        let path = wide(path.as_os_str());
        let share = FILE_SHARE_READ | FILE_SHARE_DELETE;
        // SAFETY: as above; there is no template.
        let handle = unsafe {
            CreateFileW(
                path.as_ptr(),
                GENERIC_WRITE,
                share,
                rights,
                CREATE_NEW,
                FILE_ATTRIBUTE_NORMAL,
                null_mut(),
            )
        };
        owned(handle).map(File::from)
    })
}

/// The rights of what only its owner, administrators and the system can use; a folder hands them on to what is made in it.
fn with_private_rights<T>(make: impl FnOnce(&SECURITY_ATTRIBUTES) -> io::Result<T>) -> io::Result<T> {
    const RIGHTS: &str = "D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
    let text = wide(RIGHTS.as_ref());
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: the text ends with a NUL; the descriptor is freed below, behind its only use.
    let made = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &mut descriptor,
            null_mut(),
        )
    };
    if made == 0 {
        return Err(io::Error::last_os_error());
    }
    let outcome = make(&SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor,
        bInheritHandle: 0,
    });
    // SAFETY: the system has allocated it for us, and nothing uses it any more.
    unsafe { LocalFree(descriptor.cast::<c_void>()) };
    outcome
}
