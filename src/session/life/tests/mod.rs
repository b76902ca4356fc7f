//! The machine in a toy world: every configuration that can be reached, the orders that were defects once, and random ones.

mod explore;
mod orders;
mod random;
mod table;
mod world;

use super::event::{Event, Timer};
use super::machine::Machine;
use super::states::{Config, Life, Millis};
use world::World;

const CONFIG: Config = Config { exit: 5_000, terminate: 4_000, older_way: true };
const LIMIT: Millis = 60_000;
const CONNECT: Event = Event::Connect { limit: LIMIT };
const PARK: Event = Event::Park { limit: LIMIT };
const CLAIM: Event = Event::Claim { limit: LIMIT };
const STEP: Event = Event::Timeout(Timer::Step);
const FLAG: Event = Event::StderrEnded { unknown_flag: true };
const STDERR: Event = Event::StderrEnded { unknown_flag: false };

const EVENTS: [Event; 35] = [
    CONNECT,
    PARK,
    CLAIM,
    Event::Disconnect,
    Event::Free,
    Event::EndInput,
    Event::Shutdown,
    Event::Defect,
    Event::Launched,
    Event::LaunchFailed,
    Event::Opened,
    Event::OpenFailed,
    Event::WriteFailed,
    Event::Output,
    Event::StdoutEnded,
    STDERR,
    FLAG,
    Event::Exited,
    Event::Unended,
    Event::Answered,
    Event::Claimed,
    Event::StartHooks(true),
    Event::StartHooks(false),
    Event::Begun,
    Event::Refused,
    Event::Turn(true),
    Event::Turn(false),
    Event::Overdue { kill: false },
    Event::Overdue { kill: true },
    Event::Timeout(Timer::Connect),
    STEP,
    Event::Timeout(Timer::Silence),
    Event::Timeout(Timer::Delivery),
    Event::QueueFull,
    Event::QueueDrained,
];

const LIVES: [Life; 19] = [
    Life::Created,
    Life::Launching,
    Life::Relaunching,
    Life::Opening,
    Life::Initializing,
    Life::Failing,
    Life::Parked,
    Life::Claiming,
    Life::Ready,
    Life::InputEnded,
    Life::Muted,
    Life::Gone,
    Life::Cancelling,
    Life::Draining,
    Life::Terminating,
    Life::Killing,
    Life::Flushing,
    Life::Lost,
    Life::Closed,
];

/// A session from its beginning, with a clock that stands still but for its timers.
struct Play {
    machine: Machine,
    world: World,
    now: Millis,
}

impl Play {
    fn new(config: Config) -> Play {
        Play { machine: Machine::new(config), world: World::default(), now: 0 }
    }
}
