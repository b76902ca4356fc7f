//! Anonymous files: they vanish when their last descriptor is closed, whatever happens to the processes.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::pipes::above_stdio;

/// An empty anonymous file, close-on-exec. The name is shown in listings of this process's descriptors.
#[cfg(target_os = "linux")]
pub fn nameless_file(name: &str) -> Result<OwnedFd, Errno> {
    use rustix::fs::{MemfdFlags, memfd_create};
    // Kernels before 6.3 do not know the second flag; later ones expect it.
    let made = match memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create(name, MemfdFlags::CLOEXEC),
        made => made,
    };
    above_stdio(made?)
}

#[cfg(not(target_os = "linux"))]
pub fn nameless_file(name: &str) -> Result<OwnedFd, Errno> {
    use rustix::fs::{Mode, OFlags, open, unlink};
    let path = std::env::temp_dir().join(format!("{name}-{}", uuid::Uuid::new_v4().simple()));
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = open(&path, flags, Mode::RUSR | Mode::WUSR)?;
    let _ = unlink(&path);
    above_stdio(file)
}
