//! The whole table at a glance, for one configuration of each state.

use super::super::action::Action;
use super::super::event::{Event, Timer};
use super::super::machine::Machine;
use super::super::states::Life;
use super::{CLAIM, CONFIG, CONNECT, EVENTS, FLAG, LIVES, PARK, STEP};

/// A code is the next state; `=` stays and acts or notes something; `.` nothing happens, and a call is refused.
const TABLE: &str = "
                    Cr La Rl Op In Fa Pk Cm Rd Ie Mu Go Ca Dr Te Ki Fl Lo Cl
Connect             La  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
Park                La  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
Claim                .  .  .  .  .  . Cm  .  .  .  .  .  .  .  .  .  .  .  .
Disconnect          Cl Ca Ca Te Dr Dr Dr Dr Dr Dr Dr Fl  =  =  =  =  =  =  =
Free                Cl Ca Ca Te Dr Dr Dr Dr Dr Dr Dr Fl  .  .  .  .  .  .  .
EndInput             .  .  .  .  .  .  .  . Ie  .  =  =  .  .  .  .  .  .  .
Shutdown             . Ca Ca Te Dr Dr Dr Dr Dr Dr Dr Fl  .  .  .  .  .  .  .
Defect              Cl Ca Ca Te Dr Dr Dr Dr Dr Dr Dr Fl  =  =  =  =  =  .  .
Launched             . Op Op  .  .  .  .  .  .  .  .  . Ki  .  .  .  .  =  .
LaunchFailed         . Cl Cl  .  .  .  .  .  .  .  .  . Cl  .  .  .  . Cl  .
Opened               .  .  . In  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
OpenFailed           .  .  . Te  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
WriteFailed          .  .  . Fa Fa  .  . Fa  .  .  .  .  .  .  .  .  .  .  .
Output               .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
StdoutEnded          .  .  . Fa Mu  = Mu Mu Mu Mu  .  =  .  =  =  =  =  .  .
StderrEnded false    .  .  .  =  =  =  =  =  =  =  =  =  .  =  =  =  =  .  .
StderrEnded true     .  .  .  =  =  =  =  =  =  =  =  =  .  =  =  =  =  .  .
Exited               .  .  . Go Go Go Go Go Go Go Go  .  . Fl Fl Fl  . Cl  .
Unended              .  .  .  .  .  .  .  .  .  .  .  .  . Lo Lo Lo  .  .  .
Answered             .  .  .  .  =  .  .  .  .  .  .  .  .  .  .  .  .  .  .
Claimed              .  .  .  .  .  .  .  =  .  .  .  .  .  .  .  .  .  .  .
StartHooks(true)     .  =  =  =  =  =  .  .  .  .  .  .  .  .  .  .  .  .  .
StartHooks(false)    .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
Begun                .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
Refused              .  .  .  . Dr  .  . Dr  .  .  .  .  .  .  .  .  .  .  .
Turn(true)           =  =  =  =  =  =  =  =  =  =  =  =  =  =  =  =  =  =  =
Turn(false)          .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
Overdue false        .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
Overdue true         .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
Timeout(Connect)     . Ca Ca Ki Ki Ki  . Ki  .  .  .  .  .  .  .  .  .  .  .
Timeout(Step)        .  .  .  .  . Dr  .  .  .  . Dr  . Lo Te Ki Lo  .  .  .
Timeout(Silence)     .  .  .  .  .  .  .  .  .  .  . Cl  .  .  .  . Cl  .  .
Timeout(Delivery)    .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  =  .  .
QueueFull            .  .  .  =  =  =  =  =  =  =  =  =  .  =  =  =  .  .  .
QueueDrained         .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
";

const CODES: [&str; 19] = [
    "Cr", "La", "Rl", "Op", "In", "Fa", "Pk", "Cm", "Rd", "Ie", "Mu", "Go", "Ca", "Dr", "Te", "Ki", "Fl",
    "Lo", "Cl",
];

fn code(life: Life) -> &'static str {
    LIVES.iter().zip(CODES).find(|(known, _)| **known == life).unwrap().1
}

/// A machine in each state, by the shortest way there.
fn reach(wanted: Life) -> Machine {
    let ready = [CONNECT, Event::Launched, Event::Opened, Event::Answered, Event::Begun];
    let parked = [PARK, Event::Launched, Event::Opened, Event::Answered];
    let dying = [Event::Exited, Event::StdoutEnded, FLAG];
    let (ready, more): (&[Event], &[Event]) = match wanted {
        Life::Created => (&[], &[]),
        Life::Launching => (&ready[..1], &[]),
        Life::Opening => (&ready[..2], &[]),
        Life::Initializing => (&ready[..3], &[]),
        Life::Failing => (&ready[..3], &[Event::WriteFailed]),
        Life::Relaunching => (&ready[..3], &dying),
        Life::Parked => (&parked, &[]),
        Life::Claiming => (&parked, &[CLAIM]),
        Life::Ready => (&ready, &[]),
        Life::InputEnded => (&ready, &[Event::EndInput]),
        Life::Muted => (&ready, &[Event::StdoutEnded]),
        Life::Gone => (&ready, &[Event::Exited]),
        Life::Cancelling => (&ready[..1], &[Event::Disconnect]),
        Life::Draining => (&ready, &[Event::Disconnect]),
        Life::Terminating => (&ready, &[Event::Disconnect, STEP]),
        Life::Killing => (&ready, &[Event::Disconnect, STEP, STEP]),
        Life::Flushing => (&ready, &[Event::Disconnect, Event::Exited]),
        Life::Lost => (&ready, &[Event::Disconnect, STEP, STEP, STEP]),
        Life::Closed => (&[], &[Event::Disconnect]),
    };
    let mut machine = Machine::new(CONFIG);
    let mut now = 0;
    for event in ready.iter().chain(more) {
        if let Event::Timeout(timer) = event {
            now = time_of(&machine, *timer);
        }
        machine.on(*event, now, &mut Vec::new());
    }
    assert_eq!(machine.life(), wanted);
    machine
}

fn time_of(machine: &Machine, timer: Timer) -> u64 {
    machine.timers[timer as usize].unwrap_or(0)
}

fn cell(life: Life, event: Event) -> &'static str {
    let before = reach(life);
    let mut machine = before.clone();
    let now = match event {
        Event::Timeout(timer) => time_of(&machine, timer),
        _ => 0,
    };
    let mut actions: Vec<Action> = Vec::new();
    machine.on(event, now, &mut actions);
    match machine.life() {
        next if next != life => code(next),
        _ if machine == before && actions.is_empty() => ".",
        _ => "=",
    }
}

fn name(event: Event) -> String {
    let text = format!("{event:?}");
    let text =
        text.replace(" { limit: 60000 }", "").replace(" { unknown_flag: ", " ").replace(" { kill: ", " ");
    text.replace(" }", "")
}

fn row(first: &str, cells: impl Iterator<Item = &'static str>) -> String {
    let cells: String = cells.map(|cell| format!("{cell:>3}")).collect();
    format!("{first:<19}{cells}\n")
}

#[test]
fn each_event_leads_to_the_next_state_of_the_table() {
    let rows = EVENTS.map(|event| row(&name(event), LIVES.iter().map(|life| cell(*life, event))));
    let table = "\n".to_owned() + &row("", CODES.into_iter()) + &rows.concat();
    assert_eq!(table, TABLE, "{table}");
}
