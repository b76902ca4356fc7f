//! The process layer against real programs of the system. What changes a whole process runs in one of its own.
#![cfg(target_os = "linux")]

mod children;
mod death;
mod failures;
mod hosts;
mod log;
mod support;
