//! How callbacks reach the host: C programs for each mode and each way in which threads can meet.

#[path = "../support/mod.rs"]
mod support;

mod common;
mod ends;
mod lanes;
mod left;
mod load;
mod modes;
mod places;
mod process;
mod races;
mod real;
mod shutdown;
mod stress;
mod teardown;
mod wait;
