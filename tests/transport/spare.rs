//! A spare whose CLI the host starts itself.

use std::ptr::null_mut;

use claude_client::capi::spare::{claude_spare_claim_wait, claude_spare_create, claude_spare_free};
use claude_client::capi::types::claude_spare_t;
use serde_json::{Value, json};

use crate::support::boundary::c_text;
use crate::support::transport::client::{Client, Failure, Status, check};
use crate::support::transport::ways::{Cli, relayed};

const PATIENCE_MS: u32 = 60_000;

fn spare_of(client: &Client) -> *mut claude_spare_t {
    let mut spare = null_mut();
    // SAFETY: no `done`, and the output is a variable.
    check(|error| unsafe { claude_spare_create(client.handle(), None, null_mut(), &mut spare, error) })
        .expect("a spare");
    spare
}

fn claim(spare: *mut claude_spare_t, claim: &Value) -> Result<(), Failure> {
    let (claim, prompt, mut client) = (c_text(&claim.to_string()), c_text("hello"), null_mut());
    // SAFETY: texts are NUL-terminated, outputs are variables.
    check(|error| unsafe {
        claude_spare_claim_wait(spare, claim.as_ptr(), prompt.as_ptr(), PATIENCE_MS, &mut client, error)
    })
}

fn becomes_a_session(cli: &Cli) {
    let client = relayed(cli, &["--await-claim"]);
    let spare = spare_of(&client);
    claim(spare, &json!({"cwd": cli.sandbox().work()})).expect("claimed");
    client.receive().expect("a result");
    assert_eq!(client.seen.lock().results().len(), 1);
    // SAFETY: any value may be passed.
    unsafe { claude_spare_free(spare) };
    assert_eq!(client.turn("the client stays")["is_error"], false);
}

#[test]
fn with_the_stand_in_it_becomes_a_session() {
    becomes_a_session(&Cli::fake(json!({})));
}

#[test]
fn with_the_real_cli_it_becomes_a_session() {
    if let Some(cli) = Cli::real("with_the_real_cli_it_becomes_a_session") {
        becomes_a_session(&cli);
    }
}

#[test]
fn a_cli_that_was_not_started_as_one_refuses_the_claim_and_gets_no_prompt() {
    let cli = Cli::fake(json!({}));
    let client = relayed(&cli, &[]);
    let spare = spare_of(&client);
    let failure = claim(spare, &json!({"cwd": cli.sandbox().work()})).expect_err("refused");
    assert_eq!((failure.status, failure.text("reason")), (Status::CLAUDE_ERR_CONTROL, "not_a_spare"));
    let Cli::Fake(fake) = &cli else { unreachable!("it is the stand-in") };
    assert!(fake.log().prompts().is_empty());
    // SAFETY: any value may be passed; it frees the client too.
    unsafe { claude_spare_free(spare) };
}
