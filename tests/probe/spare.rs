//! Spares with the stand-in: what is sent in which order, and that a claim which goes wrong leaves no prompt, no process and
//! nobody waiting. Through the C functions.

use std::path::Path;

use crate::support::alone;
use crate::support::boundary::given;
use crate::support::handle::fail;
use crate::support::probe::spare::Spare;
use crate::support::probe::stage::fake_options;
use crate::support::probe::{Failure, Kind, PATIENCE, Session, Status, check};
use crate::support::processes::runs;
use claude_client::capi::client::claude_client_free;
use claude_client::capi::runtime::{claude_runtime_shutdown, claude_runtime_stats};
use claude_client::capi::types::claude_state_t;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// A spare that waits, of a stand-in with this script.
fn waiting(script: Value, more: Value) -> (FakeClaude, Spare) {
    let fake = FakeClaude::new(script);
    let spare = Spare::waiting(&fake_options(&fake, more));
    (fake, spare)
}

fn subtypes(fake: &FakeClaude) -> Vec<String> {
    let name = |frame: &Value| match frame["type"].as_str() {
        Some("user") => "prompt".to_owned(),
        _ => frame["request"]["subtype"].as_str().unwrap_or_default().to_owned(),
    };
    fake.log().frames().iter().map(name).collect()
}

/// Nothing of the claim is left: the prompt was not sent, and the process ends.
#[track_caller]
fn ended_without_a_prompt(fake: &FakeClaude, spare: &Spare) {
    spare.session.closed();
    assert!(fake.log().prompts().is_empty(), "{:?}", subtypes(fake));
    assert_eq!(spare.session.state(), claude_state_t::CLAUDE_STATE_CLOSED);
    assert!(!runs(fake.log().pid()));
}

#[track_caller]
fn refused(outcome: Result<(), Failure>, status: Status, reason: &str) {
    let failure = outcome.expect_err("refused");
    assert_eq!((failure.status, failure.text("reason")), (status, reason), "{failure:#?}");
    assert!(!failure.text("remedy").is_empty(), "{failure:#?}");
}

#[test]
fn a_claim_goes_ahead_of_the_prompt_and_behind_the_settings_that_decide_what_it_starts() {
    let (fake, spare) = waiting(json!({}), json!({"title": "of the spare"}));
    assert!(fake.log().argv().contains(&"--await-claim".to_owned()));
    let parked = fake.sandbox().home().join(".claude/spares");
    assert_eq!(fake.log().start()["cwd"], parked.to_str().unwrap());
    assert_eq!(fake.log().env("PWD"), parked.to_str());
    assert_eq!(spare.session.state(), claude_state_t::CLAUDE_STATE_CONNECTING);
    let early = spare.session.prompt("too early").unwrap_err();
    assert_eq!(early.status, Status::CLAUDE_ERR_NOT_CONNECTED);
    assert!(early.text("remedy").contains("claude_spare_claim"), "{early:#?}");
    assert_eq!(spare.session.server_info().unwrap()["hooks_applied"], Value::Null);

    let work = fake.sandbox().work();
    let settings = json!({"enabledPlugins": {}, "permissions": {"deny": ["Bash"]}});
    let claim = json!({"cwd": work, "model": "opus", "max_thinking_tokens": 4000, "settings": settings});
    spare.claim(claim, Some("the first prompt")).unwrap_or_else(fail);
    assert_eq!(spare.session.state(), claude_state_t::CLAUDE_STATE_CONNECTED);
    spare.session.receive().unwrap_or_else(fail);
    assert_eq!(
        subtypes(&fake),
        [
            "initialize",
            "apply_flag_settings",
            "claim_session",
            "set_model",
            "set_max_thinking_tokens",
            "apply_flag_settings",
            "prompt"
        ]
    );
    assert_eq!(fake.log().requests("claim_session")[0]["cwd"], work.to_str().unwrap());
    spare.session.turn("and another");
    spare.free();
    assert_eq!(spare.session.turn("freed, and it goes on")["is_error"], false);
}

#[test]
fn a_claim_without_a_folder_is_for_the_folder_of_the_options_and_takes_relative_ones_from_here() {
    let (fake, spare) = waiting(json!({}), json!({}));
    let done = spare.claim_later(json!({}), None).unwrap();
    let reply = done.wait().unwrap();
    assert_eq!(reply["cwd"], fake.sandbox().work().to_str().unwrap());
    assert!(reply["session_id"].is_string() && reply["initialize"].is_object(), "{reply}");
    let (_fake, spare) = waiting(json!({}), json!({}));
    let done = spare.claim_later(json!({"cwd": "below"}), None).unwrap();
    let here = std::env::current_dir().unwrap().join("below");
    assert_eq!(done.wait().unwrap()["cwd"], here.to_str().unwrap());
}

#[test]
fn a_spare_that_is_still_starting_is_claimed_as_soon_as_it_is_there() {
    let fake = FakeClaude::new(json!({"on_initialize": [{"sleep": 200}, "default"]}));
    let spare = Spare::starting(&fake_options(&fake, json!({})));
    spare.claim(json!({}), Some("at once")).unwrap_or_else(fail);
    assert!(spare.parked.wait().is_ok());
    spare.session.receive().unwrap_or_else(fail);
    assert_eq!(subtypes(&fake), ["initialize", "claim_session", "prompt"]);
}

#[test]
fn p3_whatever_the_cli_refuses_the_prompt_is_not_sent_and_the_process_ends() {
    let refuse = |text: &str| json!([{"respond_error": text}]);
    let claim = json!({"model": "opus", "settings": {"enabledPlugins": {}, "fastMode": true}});
    for (subtype, text, reason) in [
        ("claim_session", "cwd_not_found: the claim cwd does not exist", "cwd_not_found"),
        ("claim_session", "permission_mode_not_claimable: no", "permission_mode_not_claimable"),
        ("claim_session", "It went wrong.", "claim_failed"),
        ("apply_flag_settings", "Invalid settings", "settings_not_applied"),
        ("set_model", "No such model", "option_not_applied"),
    ] {
        let (fake, spare) = waiting(json!({"on_control": {subtype: refuse(text)}}), json!({}));
        let outcome = spare.claim(claim.clone(), Some("never"));
        assert!(outcome.as_ref().is_err_and(|failure| failure.message().contains(text)), "{outcome:?}");
        refused(outcome, Status::CLAUDE_ERR_CONTROL, reason);
        ended_without_a_prompt(&fake, &spare);
        refused(spare.claim(json!({}), None), Status::CLAUDE_ERR_CONTROL, reason);
    }
}

#[test]
fn a_process_that_is_no_spare_does_not_become_one() {
    let claimed_twice =
        json!({"on_control": {"set_model": ["default", {"respond_error": "not_a_spare: claimed"}]}});
    let (fake, spare) = waiting(claimed_twice, json!({}));
    assert!(spare.claim(json!({"model": "opus"}), None).is_ok());
    refused_as_claimed(&spare);
    drop((fake, spare));
}

#[track_caller]
fn refused_as_claimed(spare: &Spare) {
    let again = spare.claim(json!({}), Some("a second")).unwrap_err();
    assert_eq!(again.status, Status::CLAUDE_ERR_ALREADY_CONNECTED, "{again:#?}");
}

#[test]
fn p2_a_document_that_cannot_be_used_leaves_the_spare_waiting() {
    let (fake, spare) = waiting(json!({}), json!({}));
    for (claim, pointer) in [
        (json!({"env": {"PATH": "/bin"}}), "/env/PATH"),
        (json!({"settings": {"hooks": {}}}), "/settings/hooks"),
        (json!({"resume": "x"}), "/resume"),
        (json!({"cwdd": "/"}), "/cwdd"),
        (json!([]), ""),
    ] {
        let failure = spare.claim(claim, Some("never")).unwrap_err();
        assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_OPTION, "{failure:#?}");
        assert_eq!(failure.text("pointer"), pointer);
    }
    spare.claim(json!({}), Some("the one")).unwrap_or_else(fail);
    spare.session.receive().unwrap_or_else(fail);
    assert_eq!(fake.log().prompts().len(), 1);
    refused_as_claimed(&spare);
}

#[test]
fn p2_a_spare_that_died_is_told_of_and_cannot_be_claimed() {
    let (fake, spare) = waiting(json!({}), json!({}));
    let pid = rustix::process::Pid::from_raw(fake.log().pid() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let (status, cause) = spare.session.closed();
    assert_eq!((status, &cause["signal"]), (Status::CLAUDE_ERR_PROCESS, &json!(9)), "{cause:#}");
    let failure = spare.claim(json!({}), Some("never")).unwrap_err();
    assert_eq!((failure.status, &failure.json["signal"]), (status, &json!(9)), "{failure:#?}");
    ended_without_a_prompt(&fake, &spare);
}

#[test]
fn a_spare_that_ended_by_itself_without_a_reason_cannot_be_claimed_either() {
    let (_fake, spare) = waiting(json!({"on_initialize": ["default", {"exit": 0}]}), json!({}));
    spare.session.closed();
    let failure = spare.claim(json!({}), Some("never")).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_CLOSED, "{failure:#?}");
}

#[test]
fn a_spare_that_dies_during_the_claim_fails_it_with_its_end() {
    for (script, told) in
        [(json!([{"stderr": "out of luck"}, {"exit": 3}]), true), (json!([{"exit": 0}]), false)]
    {
        let (fake, spare) = waiting(json!({"on_control": {"claim_session": script}}), json!({}));
        let failure = spare.claim(json!({}), Some("never")).unwrap_err();
        assert_eq!(failure.status, Status::CLAUDE_ERR_PROCESS, "{failure:#?}");
        assert_eq!(failure.text("stderr").contains("out of luck"), told, "{failure:#?}");
        ended_without_a_prompt(&fake, &spare);
    }
}

#[test]
fn garbage_around_the_answers_is_an_event_and_a_garbled_answer_is_none() {
    let noise = json!([{"write": "no JSON at all\n"}, {"write": "{\"half\": \n"}, "default"]);
    let (_fake, spare) = waiting(json!({"on_control": {"claim_session": noise}}), json!({}));
    spare.claim(json!({}), Some("heard")).unwrap_or_else(fail);
    spare.session.receive().unwrap_or_else(fail);
    assert_eq!(spare.session.of(Kind::CLAUDE_EVENT_UNPARSED_LINE).len(), 2);

    let garbled = json!([{"write": "{\"type\":\"control_response\",\"response\":7}\n"}]);
    let (fake, spare) = waiting(json!({"on_control": {"claim_session": garbled}}), json!({}));
    let failure = spare.claim_within(json!({}), Some("never"), 300).unwrap_err();
    assert_eq!(
        (failure.status, failure.text("phase")),
        (Status::CLAUDE_ERR_TIMEOUT, "claim"),
        "{failure:#?}"
    );
    ended_without_a_prompt(&fake, &spare);
}

#[test]
fn a_spare_that_never_becomes_ready_fails_its_start_and_a_claim_that_waits_for_it() {
    let fake = FakeClaude::new(json!({"on_initialize": []}));
    let spare = Spare::starting(&fake_options(&fake, json!({"connect_timeout_ms": 400})));
    let claim = spare.claim_later(json!({}), Some("never")).unwrap();
    for outcome in [spare.parked.wait(), claim.wait()] {
        assert_eq!(outcome.unwrap_err().status, Status::CLAUDE_ERR_TIMEOUT);
    }
    ended_without_a_prompt(&fake, &spare);
}

#[test]
fn a_spare_waits_longer_than_it_may_take_to_start() {
    let (_fake, spare) = waiting(json!({}), json!({"connect_timeout_ms": 1500}));
    std::thread::sleep(std::time::Duration::from_millis(1700));
    spare.claim(json!({}), Some("patient")).unwrap_or_else(fail);
    spare.session.receive().unwrap_or_else(fail);
}

#[test]
fn a_start_or_a_claim_that_is_freed_on_its_way_is_told_and_leaves_no_process() {
    let silent = json!({"on_initialize": [{"write": "{\"type\":\"system\",\"subtype\":\"here\"}\n"}]});
    let fake = FakeClaude::new(silent);
    let spare = Spare::starting(&fake_options(&fake, json!({})));
    spare.session.wait_for("the start", |_, json| json["subtype"] == "here");
    spare.free();
    assert_eq!(spare.parked.wait().unwrap_err().status, Status::CLAUDE_ERR_CANCELLED);
    assert!(!runs(fake.log().pid()));
    assert_eq!(spare.claim(json!({}), None).unwrap_err().status, Status::CLAUDE_ERR_INVALID_HANDLE);

    let here =
        json!({"on_control": {"claim_session": [{"write": "{\"type\":\"system\",\"subtype\":\"here\"}\n"}]}});
    let (fake, spare) = waiting(here, json!({}));
    let claim = spare.claim_later(json!({}), Some("never")).unwrap();
    spare.session.wait_for("the claim", |_, json| json["subtype"] == "here");
    spare.free();
    assert_eq!(
        spare.session.state(),
        claude_state_t::CLAUDE_STATE_CONNECTING,
        "a claimed client is the host's"
    );
    // SAFETY: any value may be passed.
    unsafe { claude_client_free(spare.session.handle) };
    assert_eq!(claim.wait().unwrap_err().status, Status::CLAUDE_ERR_CANCELLED);
    assert!(fake.log().prompts().is_empty() && !runs(fake.log().pid()));
}

#[test]
fn a_client_is_freed_or_disconnected_under_its_spare() {
    let (fake, spare) = waiting(json!({}), json!({}));
    spare.session.disconnect().unwrap_or_else(fail);
    assert!(fake.log().saw_eof() && !runs(fake.log().pid()), "it ends with its input");
    assert_eq!(spare.claim(json!({}), None).unwrap_err().status, Status::CLAUDE_ERR_CLOSED);
    let (fake, spare) = waiting(json!({}), json!({}));
    // SAFETY: any value may be passed.
    unsafe { claude_client_free(spare.session.handle) };
    assert!(!runs(fake.log().pid()));
    assert_eq!(spare.claim(json!({}), None).unwrap_err().status, Status::CLAUDE_ERR_INVALID_HANDLE);
}

#[test]
fn what_a_spare_cannot_be_is_refused_before_anything_is_started() {
    let fake = FakeClaude::new(json!({}));
    let start = |more: Value| Spare::of(Session::created(&fake_options(&fake, more))).map(drop).unwrap_err();
    for more in [json!({"resume": "x"}), json!({"continue_conversation": true})] {
        let failure = start(more);
        assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_OPTION, "{failure:#?}");
        assert!(failure.text("remedy").contains("claude_client_connect"), "{failure:#?}");
    }
    let session = Session::connected(&fake_options(&fake, json!({})));
    assert_eq!(Spare::of(session).map(drop).unwrap_err().status, Status::CLAUDE_ERR_ALREADY_CONNECTED);
    assert_eq!(fake.log().starts(), 1);
}

#[test]
fn an_older_cli_says_that_it_has_no_spares() {
    let old = json!({"on_start": [{"stderr": "error: unknown option '--await-claim'"}, {"exit": 1}]});
    let fake = FakeClaude::new(old);
    let spare = Spare::starting(&fake_options(&fake, json!({})));
    let failure = spare.parked.wait().unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_PROCESS);
    assert!(failure.text("remedy").contains("has no spares"), "{failure:#?}");
}

#[test]
fn a_spare_of_a_launcher_waits_where_the_options_say() {
    let launcher = json!({"launcher": ["env", "SAID=1"]});
    let (fake, spare) = waiting(json!({}), launcher);
    assert_eq!(fake.log().start()["cwd"], fake.sandbox().work().to_str().unwrap());
    assert_eq!(fake.log().env("SAID"), Some("1"));
    spare.claim(json!({"cwd": "/somewhere/else"}), None).unwrap_or_else(fail);
    assert_eq!(fake.log().requests("claim_session")[0]["cwd"], "/somewhere/else");
}

fn count(name: &str) -> u64 {
    // SAFETY: the outputs are variables.
    given(|json, error| unsafe { claude_runtime_stats(json, error) }).unwrap()[name].as_u64().unwrap()
}

#[test]
fn spares_are_counted_and_a_shutdown_ends_them() {
    if !alone(module_path!(), "spares_are_counted_and_a_shutdown_ends_them") {
        return;
    }
    let fake = FakeClaude::new(json!({}));
    let spares: Vec<Spare> = (0..3).map(|_| Spare::waiting(&fake_options(&fake, json!({})))).collect();
    assert_eq!((count("spares"), count("clients"), count("children")), (3, 3, 3));
    spares[0].claim(json!({}), None).unwrap_or_else(fail);
    spares[1].free();
    assert_eq!((count("spares"), count("clients"), count("children")), (2, 2, 2));
    let patience = u32::try_from(PATIENCE.as_millis()).unwrap();
    // SAFETY: plain values.
    check(|error| unsafe { claude_runtime_shutdown(patience, error) }).unwrap_or_else(fail);
    assert_eq!((count("children"), count("threads")), (0, 0));
    assert_eq!(spares[2].claim(json!({}), None).unwrap_err().status, Status::CLAUDE_ERR_CLOSED);
    drop(spares);
    assert_eq!((count("spares"), count("clients")), (0, 0));
    assert!(Path::new(&fake.sandbox().home().join(".claude/spares")).is_dir());
}

#[test]
fn a_record_of_a_claimed_spare_is_played_as_one() {
    let fake = FakeClaude::new(json!({"on_user": ["init", {"text": "recorded"}, "result"]}));
    let record = fake.sandbox().work().join("spare.ndjson");
    let claim = json!({"cwd": fake.sandbox().work(), "model": "opus"});
    let conversation = |options: &Value| {
        let spare = Spare::waiting(options);
        spare.claim(claim.clone(), Some("a question")).unwrap_or_else(fail);
        spare.session.receive().unwrap_or_else(fail);
        assert_eq!(spare.session.of(Kind::CLAUDE_MESSAGE_RESULT).len(), 1);
        spare.session.disconnect().unwrap_or_else(fail);
        assert!(spare.session.of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH).is_empty());
        spare.session.server_info().unwrap()
    };
    let recorded = conversation(&fake_options(&fake, json!({"record": record})));
    assert_eq!(conversation(&json!({"replay": record})), recorded);
}
