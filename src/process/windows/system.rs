//! What the other rooms ask the system, and std has no function for.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::Once;

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, LocalFree, WAIT_TIMEOUT};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES};
use windows_sys::Win32::Storage::FileSystem::{CreateDirectoryW, GetDiskFreeSpaceExW};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};
use windows_sys::Win32::System::Threading::{
    CreateEventW, OpenProcess, PROCESS_SYNCHRONIZE, ResetEvent, SetEvent, WaitForSingleObject,
};

use super::pipes::wide;

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
    const RIGHTS: &str = "D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
    let (path, rights) = (wide(path.as_os_str()), wide(RIGHTS.as_ref()));
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: both texts end with a NUL; the descriptor is freed below, behind its only use.
    unsafe {
        let made = ConvertStringSecurityDescriptorToSecurityDescriptorW(
            rights.as_ptr(),
            SDDL_REVISION_1,
            &mut descriptor,
            null_mut(),
        );
        if made == 0 {
            return Err(io::Error::last_os_error());
        }
        let attributes = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: descriptor,
            bInheritHandle: 0,
        };
        let outcome = match CreateDirectoryW(path.as_ptr(), &attributes) {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        };
        LocalFree(descriptor.cast::<c_void>());
        outcome
    }
}
