//! `posix_spawn`, which is a system call here: no fork, and every descriptor but the three is closed.

use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

use libc::{c_int, c_short};
use rustix::event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent, kqueue};
use rustix::io::Errno;
use rustix::process::Pid;

use super::super::failure::Stage;
use super::super::pipes::above_stdio;
use super::{Launched, Prepared, Refused, pointers};

const SETSID: c_short = 0x0400;

unsafe extern "C" {
    fn posix_spawn_file_actions_addchdir_np(
        actions: *mut libc::posix_spawn_file_actions_t,
        path: *const libc::c_char,
    ) -> c_int;
    fn posix_spawn_file_actions_addinherit_np(
        actions: *mut libc::posix_spawn_file_actions_t,
        fd: c_int,
    ) -> c_int;
}

pub(crate) struct Launcher {
    process_descriptors: bool,
}

impl Launcher {
    pub fn new(process_descriptors: bool) -> Result<Launcher, Errno> {
        Ok(Launcher { process_descriptors })
    }

    pub fn launch(&self, prepared: &Prepared, streams: &[OwnedFd; 3]) -> Result<Launched, Refused> {
        if prepared.identity.is_some() {
            return Err(Refused { stage: Stage::User, errno: libc::ENOTSUP });
        }
        // There is no death signal here: the end of stdin and the guardian replace it.
        let _ = prepared.dies_with_parent;
        if let Some(cwd) = &prepared.cwd
            && let Err(errno) = rustix::fs::access(cwd.as_c_str(), rustix::fs::Access::EXEC_OK)
        {
            return Err(Refused { stage: Stage::Cwd, errno: errno.raw_os_error() });
        }
        let (argv, envp) = (pointers(&prepared.args), pointers(&prepared.env));
        let mut pid = 0;
        // SAFETY: actions and attributes are initialised before use and destroyed after; all pointers outlive the call.
        let errno = unsafe {
            let mut actions: libc::posix_spawn_file_actions_t = ptr::null_mut();
            let mut attributes: libc::posix_spawnattr_t = ptr::null_mut();
            libc::posix_spawn_file_actions_init(&mut actions);
            libc::posix_spawnattr_init(&mut attributes);
            for (target, source) in streams.iter().enumerate() {
                libc::posix_spawn_file_actions_adddup2(&mut actions, source.as_raw_fd(), target as c_int);
            }
            for fd in &prepared.inherited {
                posix_spawn_file_actions_addinherit_np(&mut actions, fd.as_raw_fd());
            }
            if let Some(cwd) = &prepared.cwd {
                posix_spawn_file_actions_addchdir_np(&mut actions, cwd.as_ptr());
            }
            let (mut all, mut none) = (0, 0);
            libc::sigfillset(&mut all);
            libc::sigemptyset(&mut none);
            libc::posix_spawnattr_setsigdefault(&mut attributes, &all);
            libc::posix_spawnattr_setsigmask(&mut attributes, &none);
            let flags = libc::POSIX_SPAWN_SETSIGDEF
                | libc::POSIX_SPAWN_SETSIGMASK
                | libc::POSIX_SPAWN_CLOEXEC_DEFAULT;
            libc::posix_spawnattr_setflags(&mut attributes, flags as c_short | SETSID);
            let (argv, envp) = (argv.as_ptr(), envp.as_ptr());
            let errno =
                libc::posix_spawn(&mut pid, prepared.path.as_ptr(), &actions, &attributes, argv, envp);
            libc::posix_spawn_file_actions_destroy(&mut actions);
            libc::posix_spawnattr_destroy(&mut attributes);
            errno
        };
        match Pid::from_raw(pid) {
            Some(pid) if errno == 0 => {
                let exit_fd = self.process_descriptors.then(|| exit_descriptor(pid)).flatten();
                Ok(Launched { pid, exit_fd })
            }
            _ => Err(Refused { stage: Stage::Exec, errno }),
        }
    }
}

/// A kqueue for the child's exit. It can be polled like any descriptor.
pub(crate) fn exit_descriptor(pid: Pid) -> Option<OwnedFd> {
    let queue = above_stdio(kqueue().ok()?).ok()?;
    let filter = EventFilter::Proc { pid, flags: ProcessEvents::EXIT };
    let event = Event::new(filter, EventFlags::ADD, ptr::null_mut());
    let mut none: [Event; 0] = [];
    // SAFETY: the event names no other descriptor. A child that has already exited is refused: a thread waits for it instead.
    unsafe { kevent(&queue, &[event], &mut none, None) }.ok()?;
    Some(queue)
}
