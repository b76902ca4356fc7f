//! `clone` with shared memory, like `vfork`: the host's memory is neither copied nor counted twice, and the child can set its
//! death signal, session, user and directory itself, which no other system call offers together.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use libc::{c_char, c_long, pid_t};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, WaitId, WaitIdOptions};

use super::super::failure::Stage;
use super::super::pipes::above_stdio;
use super::{Launched, Prepared, Refused, pointers};

const STACK: usize = 64 * 1024;
const GUARD: usize = 64 * 1024;

/// Holds the stack on which the children start. One thread uses it, for one child at a time.
pub(crate) struct Launcher {
    memory: *mut c_void,
    process_descriptors: bool,
    /// Off in tests, to take the path for old kernels.
    close_range: bool,
}

// SAFETY: the memory belongs to this value alone, and is not tied to a thread.
unsafe impl Send for Launcher {}

/// Everything that the child reads, and where it reports why it failed. It lives on the parent's stack, which the child shares
/// until it execs the program.
struct Plan {
    path: *const c_char,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
    cwd: *const c_char,
    streams: [c_int; 3],
    /// Zero when the child is to outlive its parent.
    parent: pid_t,
    user: Option<User>,
    inherited: *const c_int,
    inherited_count: usize,
    close_range: bool,
    failed_stage: AtomicI32,
    failed_errno: AtomicI32,
}

struct User {
    uid: libc::uid_t,
    gid: libc::gid_t,
    groups: *const libc::gid_t,
    group_count: usize,
}

const STAGES: [Stage; 6] = [Stage::Clone, Stage::Setup, Stage::Cwd, Stage::Groups, Stage::User, Stage::Exec];

impl Launcher {
    pub fn new(process_descriptors: bool) -> Result<Launcher, Errno> {
        // SAFETY: asks for fresh memory at an address of the kernel's choice.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                GUARD + STACK,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(last_errno());
        }
        let launcher = Launcher { memory, process_descriptors, close_range: true };
        // SAFETY: the range is the upper part of the mapping just made. Its lower part stays out of bounds.
        let result =
            unsafe { libc::mprotect(memory.byte_add(GUARD), STACK, libc::PROT_READ | libc::PROT_WRITE) };
        if result == 0 { Ok(launcher) } else { Err(last_errno()) }
    }

    /// Starts the program on the given streams, and returns once it runs or has failed to start.
    pub fn launch(&self, prepared: &Prepared, streams: &[OwnedFd; 3]) -> Result<Launched, Refused> {
        let argv = pointers(&prepared.args);
        let envp = pointers(&prepared.env);
        let inherited: Vec<c_int> = prepared.inherited.iter().map(|fd| fd.as_raw_fd()).collect();
        let plan = Plan {
            path: prepared.path.as_ptr(),
            argv: argv.as_ptr(),
            envp: envp.as_ptr(),
            cwd: prepared.cwd.as_ref().map_or(std::ptr::null(), |cwd| cwd.as_ptr()),
            streams: [streams[0].as_raw_fd(), streams[1].as_raw_fd(), streams[2].as_raw_fd()],
            parent: if prepared.dies_with_parent {
                rustix::process::getpid().as_raw_nonzero().get()
            } else {
                0
            },
            user: prepared.identity.as_ref().map(|identity| User {
                uid: identity.uid,
                gid: identity.gid,
                groups: identity.groups.as_ptr(),
                group_count: identity.groups.len(),
            }),
            inherited: inherited.as_ptr(),
            inherited_count: inherited.len(),
            close_range: self.close_range,
            failed_stage: AtomicI32::new(0),
            failed_errno: AtomicI32::new(0),
        };
        // A child that changes its user while it shares our memory makes the host undumpable; restore that.
        let dumpable = plan.user.is_some().then(rustix::process::dumpable_behavior);
        let cloned = self.clone_child(&plan);
        if let Some(Ok(DumpableBehavior::Dumpable)) = dumpable {
            let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable);
        }
        let (pid, exit_fd) =
            cloned.map_err(|errno| Refused { stage: Stage::Clone, errno: errno.raw_os_error() })?;
        let failed = plan.failed_stage.load(Ordering::Acquire);
        if failed != 0 {
            let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
            let stage = STAGES.into_iter().find(|stage| *stage as i32 == failed).unwrap_or(Stage::Setup);
            return Err(Refused { stage, errno: plan.failed_errno.load(Ordering::Relaxed) });
        }
        let exit_fd = match exit_fd {
            _ if !self.process_descriptors => None,
            Some(fd) => Some(fd),
            None => exit_descriptor(pid),
        };
        Ok(Launched { pid, exit_fd })
    }

    fn clone_child(&self, plan: &Plan) -> Result<(Pid, Option<OwnedFd>), Errno> {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let all = u64::MAX;
        let mut before = 0u64;
        // The child shares our memory: a signal handler of the host that ran in it would modify the host's data.
        set_mask(&all, &mut before);
        let mut result = self.clone_with(flags | libc::CLONE_PIDFD, plan);
        if matches!(result, Err(Errno::INVAL)) {
            result = self.clone_with(flags, plan);
        }
        set_mask(&before, &mut 0);
        result
    }

    fn clone_with(&self, flags: c_int, plan: &Plan) -> Result<(Pid, Option<OwnedFd>), Errno> {
        let mut pidfd: c_int = -1;
        // SAFETY: the stack is ours, is large enough for `child`, and its top is aligned to a page; the plan outlives
        // the child's use of it, because CLONE_VFORK keeps us here until the child has run its program or ended.
        let pid = unsafe {
            let top = self.memory.byte_add(GUARD + STACK);
            let argument = std::ptr::from_ref(plan).cast_mut().cast();
            libc::clone(child, top, flags, argument, &raw mut pidfd)
        };
        let Some(pid) = (pid > 0).then(|| Pid::from_raw(pid)).flatten() else {
            return Err(last_errno());
        };
        // Kernels before 5.2 ignore CLONE_PIDFD and leave the value unchanged.
        // SAFETY: the kernel has just made this descriptor for us.
        let pidfd = (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
        Ok((pid, pidfd.and_then(|fd| above_stdio(fd).ok())))
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this size, and no child runs on it any more.
        unsafe { libc::munmap(self.memory, GUARD + STACK) };
    }
}

/// A descriptor that becomes readable when the child ends; `None` before Linux 5.3.
pub(crate) fn exit_descriptor(pid: Pid) -> Option<OwnedFd> {
    above_stdio(rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()?).ok()
}

fn last_errno() -> Errno {
    let raw = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    Errno::from_raw_os_error(raw)
}

/// The raw system call, because the C library's wrapper leaves out two signals that it uses itself.
fn set_mask(new: &u64, old: &mut u64) {
    // SAFETY: both point to masks of the size that is passed.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            std::ptr::from_ref(new),
            old,
            size_of::<u64>(),
        )
    };
}

// ---- From here on code runs in the child: no allocation, no lock, no panic, nothing but system calls. ----

extern "C" fn child(argument: *mut c_void) -> c_int {
    // SAFETY: the parent passed its plan, and waits while we use it.
    let plan = unsafe { &*argument.cast::<Plan>() };
    let stage = run(plan);
    // SAFETY: reads the errno of the call that has just failed.
    let errno = unsafe { *libc::__errno_location() };
    plan.failed_errno.store(errno, Ordering::Relaxed);
    plan.failed_stage.store(stage as i32, Ordering::Release);
    // SAFETY: ends this process at once.
    unsafe { libc::_exit(127) }
}

/// Returns only on failure.
fn run(plan: &Plan) -> Stage {
    // SAFETY: system calls on values of the plan, whose pointers are to NUL-terminated strings and arrays of the parent.
    unsafe {
        if libc::setsid() < 0 {
            return Stage::Setup;
        }
        default_signals();
        for (target, source) in plan.streams.iter().enumerate() {
            if libc::dup2(*source, target as c_int) < 0 {
                return Stage::Setup;
            }
        }
        if !plan.close_range || !close_range_on_exec() {
            close_listed_on_exec();
        }
        for at in 0..plan.inherited_count {
            if libc::fcntl(*plan.inherited.add(at), libc::F_SETFD, 0) < 0 {
                return Stage::Setup;
            }
        }
        if let Some(user) = &plan.user
            && let Some(stage) = change_user(user)
        {
            return stage;
        }
        // After the change of user, which clears the death signal.
        if plan.parent != 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM as c_long, 0, 0, 0);
            if libc::getppid() != plan.parent {
                libc::_exit(127);
            }
        }
        if !plan.cwd.is_null() && libc::chdir(plan.cwd) < 0 {
            return Stage::Cwd;
        }
        let mut before = 0;
        set_mask(&0, &mut before);
        libc::execve(plan.path, plan.argv.cast(), plan.envp.cast());
        Stage::Exec
    }
}

/// A program inherits ignored signals; a shell started with SIGINT or SIGPIPE ignored cannot even undo that.
unsafe fn default_signals() {
    // SAFETY: the all-zero kernel structure is SIG_DFL without flags, on every processor; 32 bytes hold any of them. The
    // handlers are this process's own copy, because CLONE_SIGHAND is not set.
    unsafe {
        let default = [0u64; 8];
        for signal in 1..=64 {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal as c_long,
                default.as_ptr(),
                std::ptr::null_mut::<c_void>(),
                size_of::<u64>(),
            );
        }
    }
}

/// Makes all other descriptors close-on-exec: the host's, and ours for other children.
unsafe fn close_range_on_exec() -> bool {
    const CLOSE_RANGE_CLOEXEC: c_long = 4;
    // SAFETY: changes only this process's own descriptors.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3 as c_long, c_long::from(u32::MAX), CLOSE_RANGE_CLOEXEC) == 0
    }
}

/// The same for kernels before 5.11: walks the directory of open descriptors, or all numbers where there is no /proc.
unsafe fn close_listed_on_exec() {
    // SAFETY: the buffer is aligned for the entries, and each entry's length is the kernel's.
    unsafe {
        let directory =
            libc::open(c"/proc/self/fd".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC);
        if directory < 0 {
            return close_numbers_on_exec();
        }
        let mut buffer = [0u64; 512];
        loop {
            let bytes = size_of_val(&buffer) as c_long;
            let read = libc::syscall(libc::SYS_getdents64, directory as c_long, buffer.as_mut_ptr(), bytes);
            if read <= 0 {
                break;
            }
            let mut at = 0;
            while at < read as usize {
                let entry = buffer.as_ptr().byte_add(at).cast::<libc::dirent64>();
                let fd = number((&raw const (*entry).d_name).cast());
                if fd > 2 {
                    libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
                }
                at += usize::from((*entry).d_reclen).max(1);
            }
        }
        libc::close(directory);
    }
}

unsafe fn close_numbers_on_exec() {
    // SAFETY: plain system calls; a number that is not open is refused.
    unsafe {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        for fd in 3..limit.rlim_cur.min(1 << 20) as c_int {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// Parses a name that consists of digits; -1 for any other.
unsafe fn number(mut name: *const u8) -> c_int {
    let mut value: c_int = 0;
    // SAFETY: the kernel's names are NUL-terminated.
    unsafe {
        while *name != 0 {
            let digit = (*name).wrapping_sub(b'0');
            if digit > 9 {
                return -1;
            }
            value = value.wrapping_mul(10).wrapping_add(c_int::from(digit));
            name = name.add(1);
        }
    }
    value
}

/// The raw system calls: the C library's wrappers would change every thread of the host, whose memory we share.
unsafe fn change_user(user: &User) -> Option<Stage> {
    #[cfg(not(any(target_arch = "arm", target_arch = "x86")))]
    use libc::{SYS_setgroups as SETGROUPS, SYS_setresgid as SETRESGID, SYS_setresuid as SETRESUID};
    #[cfg(target_arch = "arm")]
    use libc::{SYS_setgroups32 as SETGROUPS, SYS_setresgid32 as SETRESGID, SYS_setresuid32 as SETRESUID};
    #[cfg(target_arch = "x86")]
    use libc::{SYS_setgroups32 as SETGROUPS, SYS_setresgid32 as SETRESGID, SYS_setresuid32 as SETRESUID};
    // SAFETY: the list of groups is the parent's, with this many entries.
    unsafe {
        if libc::syscall(SETGROUPS, user.group_count, user.groups) < 0 {
            return Some(Stage::Groups);
        }
        if libc::syscall(SETRESGID, user.gid, user.gid, user.gid) < 0 {
            return Some(Stage::Groups);
        }
        (libc::syscall(SETRESUID, user.uid, user.uid, user.uid) < 0).then_some(Stage::User)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Command;
    use super::super::super::pipes::Streams;
    use super::*;

    #[test]
    fn kernels_without_close_range_close_everything_too() {
        // Not close-on-exec, and beyond the first page of the directory's entries.
        let leaky: Vec<OwnedFd> = (0..600).map(|_| rustix::io::dup(std::io::stderr()).unwrap()).collect();
        let mut launcher = Launcher::new(true).unwrap();
        launcher.close_range = false;
        let args = ["-c", "ls /proc/$$/fd"].map(Into::into).to_vec();
        let env = vec![("PATH".into(), "/usr/bin:/bin".into())];
        let command = Command { program: "/bin/sh".into(), args, env, ..Command::default() };
        let streams = Streams::open().unwrap();
        let prepared = Prepared::new(&command, "mark").unwrap();
        let launched =
            launcher.launch(&prepared, &streams.theirs).unwrap_or_else(|refused| panic!("{}", refused.errno));
        rustix::process::waitid(WaitId::Pid(launched.pid), WaitIdOptions::EXITED).unwrap();
        let mut text = [0u8; 4096];
        let length = rustix::io::read(&streams.ours[1], &mut text).unwrap();
        assert_eq!(std::str::from_utf8(&text[..length]).unwrap(), "0\n1\n2\n");
        drop(leaky);
    }
}
