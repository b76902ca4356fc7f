//! Which calls of the host are allowed in which state.

use super::event::Event;
use super::machine::Machine;
use super::states::{Life, Stage};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Starts the CLI, as a session or as a spare.
    Connect,
    Claim,
    /// Anything that is fixed by connecting: the mode, hooks, servers, a transport.
    Register,
    /// A prompt, or a stream of them.
    Send,
    Control,
    EndInput,
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NotConnected,
    /// Not connected yet.
    Starting,
    /// A spare that nobody has claimed.
    Unclaimed,
    AlreadyConnected,
    InputEnded,
    /// With the cause of the end, if it is known.
    Over,
}

impl Machine {
    pub fn check(&self, call: Call) -> Result<(), Refusal> {
        let stage = self.stage();
        match call {
            Call::Connect | Call::Register => match stage {
                Stage::Created => Ok(()),
                Stage::Connecting | Stage::Connected => Err(Refusal::AlreadyConnected),
                Stage::Closing | Stage::Closed => Err(Refusal::Over),
            },
            Call::Claim => match stage {
                Stage::Created => Err(Refusal::NotConnected),
                Stage::Connecting if self.is_spare() => Ok(()),
                Stage::Connecting | Stage::Connected => Err(Refusal::AlreadyConnected),
                Stage::Closing | Stage::Closed => Err(Refusal::Over),
            },
            Call::Send | Call::Control | Call::EndInput => match stage {
                Stage::Created => Err(Refusal::NotConnected),
                Stage::Connecting if self.is_spare() => Err(Refusal::Unclaimed),
                Stage::Connecting => Err(Refusal::Starting),
                Stage::Connected if call == Call::Send && self.input_ended() => Err(Refusal::InputEnded),
                Stage::Connected => Ok(()),
                Stage::Closing | Stage::Closed => Err(Refusal::Over),
            },
        }
    }

    /// Whether the host may cause this event; all other events are always allowed.
    pub fn check_event(&self, event: Event) -> Result<(), Refusal> {
        match event {
            Event::Connect { .. } | Event::Park { .. } => self.check(Call::Connect),
            Event::Claim { .. } => self.check(Call::Claim),
            Event::EndInput => self.check(Call::EndInput),
            _ => Ok(()),
        }
    }

    /// The state as the host sees it.
    pub fn stage(&self) -> Stage {
        match self.life() {
            Life::Created => Stage::Created,
            Life::Launching | Life::Relaunching | Life::Opening | Life::Initializing | Life::Failing => {
                Stage::Connecting
            }
            Life::Parked | Life::Claiming => Stage::Connecting,
            Life::Muted | Life::Gone if !self.is_in_use() => Stage::Connecting,
            Life::Ready | Life::InputEnded | Life::Muted | Life::Gone => Stage::Connected,
            Life::Cancelling | Life::Draining | Life::Terminating | Life::Killing | Life::Flushing => {
                Stage::Closing
            }
            Life::Lost | Life::Closed => Stage::Closed,
        }
    }
}
