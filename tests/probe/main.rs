//! Sessions in which the host looks and controls: the probe, statistics, the queue of prompts, control requests, texts and JSON.

#[path = "../support/mod.rs"]
mod support;

mod controls;
mod edges;
mod hermetic;
mod json;
mod ledger;
mod lengths;
mod older_cli;
mod program;
mod queue;
mod report;
mod spare;
mod start_hooks;
mod stats;
mod turn_controls;
