//! Hosts that have their own ideas about signals, children, memory and descriptors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use claude_client::process::{self, Configuration, Exit, FailureKind};

use crate::support::{
    LONG, WaitTimeout, eventually, in_own_process, no_thread_named, output, own_children, own_fds, program,
    sh, start, stat, thread_names, try_start,
};

fn without_guardian() {
    process::configure(Configuration { guardian: false, ..Configuration::default() });
}

/// Mask and dispositions of this thread.
fn own_signals() -> Vec<String> {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let wanted = ["SigBlk", "SigIgn", "SigCgt"];
    status
        .lines()
        .filter(|line| wanted.iter().any(|name| line.starts_with(name)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn blocked_and_ignored_signals_stay_with_the_host() {
    in_own_process("hosts::blocked_and_ignored_signals_stay_with_the_host", || {
        // SAFETY: this process is the test's own.
        unsafe {
            for signal in 1..=64 {
                libc::signal(signal, libc::SIG_IGN);
            }
            let mut all = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
        }
        let before = own_signals();
        let status = output(program("/bin/cat", &["/proc/self/status"]));
        for field in ["SigBlk", "SigIgn"] {
            assert!(status.contains(&format!("{field}:\t0000000000000000")), "{status}");
        }
        assert_eq!(own_signals(), before);
    });
}

#[test]
fn nothing_of_the_host_changes() {
    in_own_process("hosts::nothing_of_the_host_changes", || {
        let before = own_signals();
        let spawned = start(sh("sleep 1000"));
        assert_eq!(own_signals(), before);
        // No handler of the host may run on the library's thread.
        let masks: Vec<String> = std::fs::read_dir("/proc/self/task")
            .unwrap()
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok())
            .filter(|status| status.starts_with("Name:\tclaude-process"))
            .filter_map(|status| Some(status.split_once("SigBlk:\t")?.1[..16].to_owned()))
            .collect();
        assert_eq!(masks.len(), 1);
        // All but KILL and STOP, and the two that the C library keeps for itself.
        assert!(u64::from_str_radix(&masks[0], 16).unwrap().count_ones() >= 60, "{masks:?}");
        spawned.process.kill_tree();
    });
}

#[test]
fn c8_ignored_sigchld() {
    in_own_process("hosts::c8_ignored_sigchld", || {
        // SAFETY: this process is the test's own.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        let spawned = start(sh("exit 3"));
        assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Unknown));
        assert!(spawned.process.is_reaped());
        let spawned = start(sh("sleep 1000 & sleep 1000"));
        spawned.process.terminate();
        assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Unknown));
        assert_eq!(try_start(program("/nowhere", &[])).err().unwrap().kind, FailureKind::NotFound);
        assert!(process::shutdown(LONG));
        assert_eq!(own_children(), [] as [i32; 0]);
    });
}

#[test]
fn c8_host_that_reaps_everything() {
    in_own_process("hosts::c8_host_that_reaps_everything", || {
        std::thread::spawn(|| {
            loop {
                // SAFETY: a null status is allowed.
                if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } < 0 {
                    std::thread::yield_now();
                }
            }
        });
        for _ in 0..30 {
            let spawned = start(sh("exit 3"));
            let before = Instant::now();
            let exit = spawned.process.wait_timeout(LONG);
            assert!(matches!(exit, Some(Exit::Unknown | Exit::Code(3))), "{exit:?}");
            assert!(before.elapsed() < Duration::from_secs(2));
        }
        let spawned = start(sh("sleep 1000 & sleep 1000"));
        spawned.process.kill_tree();
        assert!(matches!(spawned.process.wait_timeout(LONG), Some(Exit::Unknown | Exit::Signal(9))));
        assert!(process::shutdown(LONG));
    });
}

#[test]
fn without_process_descriptors() {
    in_own_process("hosts::without_process_descriptors", || {
        process::configure(Configuration { process_descriptors: false, ..Configuration::default() });
        let first = start(sh("sleep 1000"));
        let second = start(sh("exit 4"));
        assert_eq!(second.process.wait_timeout(LONG), Some(Exit::Code(4)));
        first.process.kill_tree();
        assert_eq!(first.process.wait_timeout(LONG), Some(Exit::Signal(libc::SIGKILL)));
        let third = start(sh("trap '' TERM; echo; sleep 1000"));
        crate::support::read_line(&third.stdout);
        assert!(process::shutdown(Duration::from_secs(4)));
        assert_eq!(third.process.wait_timeout(Duration::ZERO), Some(Exit::Signal(libc::SIGKILL)));
        assert!(no_thread_named("claude"), "{:?}", thread_names());
    });
}

#[test]
fn closed_standard_streams() {
    in_own_process("hosts::closed_standard_streams", || {
        let kept: Vec<_> = (0..3)
            .map(|fd| {
                // SAFETY: this process is the test's own; the copies bring the streams back below.
                unsafe {
                    let copy = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 100);
                    libc::close(fd);
                    copy
                }
            })
            .collect();
        let spawned = start(program("/bin/cat", &[]));
        let sent = rustix::net::send(&spawned.stdin, b"hello\n", rustix::net::SendFlags::NOSIGNAL);
        drop(spawned.stdin);
        let line = crate::support::read_line(&spawned.stdout);
        let exit = spawned.process.wait_timeout(LONG);
        // SAFETY: a number that is not open is refused.
        let still_closed = (0..3).all(|fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0);
        for (fd, copy) in kept.iter().enumerate() {
            // SAFETY: as above.
            unsafe { libc::dup2(*copy, fd as libc::c_int) };
        }
        assert_eq!((sent, line.as_str(), exit), (Ok(6), "hello", Some(Exit::Code(0))));
        assert!(still_closed);
    });
}

#[test]
fn large_host() {
    in_own_process("hosts::large_host", || {
        const SIZE: usize = 1536 << 20;
        // SAFETY: fresh memory, written within its bounds.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let memory =
                libc::mmap(std::ptr::null_mut(), SIZE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_ne!(memory, libc::MAP_FAILED);
            // With huge pages even a fork is quick, and the test would prove nothing.
            libc::madvise(memory, SIZE, libc::MADV_NOHUGEPAGE);
            for at in (0..SIZE).step_by(4096) {
                memory.cast::<u8>().add(at).write_volatile(1);
            }
        }
        start(sh("true"));
        let best = (0..20)
            .map(|_| {
                let before = Instant::now();
                start(program("/bin/true", &[]));
                before.elapsed()
            })
            .min()
            .unwrap();
        assert!(best < Duration::from_millis(8), "{best:?}");
    });
}

#[test]
fn forked_host() {
    in_own_process("hosts::forked_host", || {
        let spawned = start(sh("sleep 1000"));
        // SAFETY: the copy only uses what needs no other thread, and ends at once.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let refused =
                try_start(sh("true")).err().is_some_and(|failure| failure.kind == FailureKind::Forked);
            spawned.process.kill_tree();
            spawned.process.terminate();
            let waited = spawned.process.wait_timeout(LONG);
            let good = refused && process::forked() && waited.is_none() && !process::shutdown(LONG);
            // SAFETY: ends the copy without running the host's exit code.
            unsafe { libc::_exit(if good { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: the status is a local.
        unsafe { libc::waitpid(pid, &mut status, 0) };
        assert_eq!(status, 0);
        assert!(!process::forked());
        assert_eq!(
            spawned.process.wait_timeout(Duration::from_millis(100)),
            None,
            "the copy must not end it"
        );
        assert!(process::shutdown(LONG));
    });
}

#[test]
fn shutdown_leaves_nothing_and_a_new_start_works() {
    in_own_process("hosts::shutdown_leaves_nothing_and_a_new_start_works", || {
        let (starts, stops) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let count = |counter: &Arc<AtomicUsize>| -> Option<process::ThreadHook> {
            let counter = counter.clone();
            Some(Arc::new(move || {
                counter.fetch_add(1, Ordering::SeqCst);
            }))
        };
        let configuration = Configuration {
            thread_name: "claude-test".into(),
            on_thread_start: count(&starts),
            on_thread_stop: count(&stops),
            ..Configuration::default()
        };
        process::configure(configuration);
        assert!(process::shutdown(LONG), "nothing to do");
        let fds = own_fds();
        for round in 1..=3 {
            let deaf = start(sh("trap '' TERM; echo; sleep 1000"));
            crate::support::read_line(&deaf.stdout);
            let polite = start(sh("sleep 1000"));
            assert!(thread_names().contains(&"claude-test".to_owned()));
            assert!(process::shutdown(Duration::from_secs(2)));
            assert_eq!(polite.process.wait_timeout(Duration::ZERO), Some(Exit::Signal(libc::SIGTERM)));
            assert_eq!(deaf.process.wait_timeout(Duration::ZERO), Some(Exit::Signal(libc::SIGKILL)));
            assert!(deaf.process.is_reaped());
            assert!(no_thread_named("claude-test"), "{:?}", thread_names());
            assert_eq!(own_children(), [] as [i32; 0]);
            drop((deaf, polite));
            assert_eq!(own_fds(), fds);
            assert_eq!((starts.load(Ordering::SeqCst), stops.load(Ordering::SeqCst)), (round, round));
        }
    });
}

#[test]
fn no_guardian_when_not_wanted() {
    in_own_process("hosts::no_guardian_when_not_wanted", || {
        without_guardian();
        let spawned = start(sh("sleep 1000"));
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(own_children(), [spawned.process.pid() as i32]);
        assert_eq!(crate::death::guardians_of(std::process::id()), [] as [i32; 0]);
        assert!(process::shutdown(LONG));
    });
}

#[test]
fn the_guardian_is_no_child_and_leaves_no_zombie() {
    in_own_process("hosts::the_guardian_is_no_child_and_leaves_no_zombie", || {
        let spawned = start(sh("sleep 1000"));
        let host = std::process::id();
        assert!(eventually(LONG, || crate::death::guardians_of(host).len() == 1));
        assert!(
            eventually(LONG, || own_children() == [spawned.process.pid() as i32]),
            "{:?}",
            own_children()
        );
        let guardian = crate::death::guardians_of(host)[0];
        assert_ne!(stat(guardian).unwrap()[1], host.to_string());
        assert!(process::shutdown(LONG));
        assert_eq!(crate::death::guardians_of(host), [] as [i32; 0]);
        assert_eq!(own_children(), [] as [i32; 0]);
    });
}

#[test]
fn host_that_adopts_orphans() {
    in_own_process("hosts::host_that_adopts_orphans", || {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        let spawned = start(sh("exec sleep 1000"));
        assert!(eventually(LONG, || crate::death::guardians_of(std::process::id()).len() == 1));
        spawned.process.kill_tree();
        assert!(process::shutdown(LONG));
        assert_eq!(own_children(), [] as [i32; 0], "not even a zombie");
    });
}
