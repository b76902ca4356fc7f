//! What users get: the header, the library's symbols, an installation, the articles, the examples and the adapters.

#[path = "../support/mod.rs"]
mod support;

mod adapters;
mod api;
mod bindings;
mod docs;
mod examples;
mod exports;
mod header;
mod install;
mod python_host;
mod reach;
mod run_demo;
mod stand_in;
