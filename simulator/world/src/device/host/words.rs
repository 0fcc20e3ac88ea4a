//! The record's words for starts, joins and losses, as the firmware's board has them, and no others.

use firmware::board::{JoinError, LinkLoss, ResetCause};

use simulator_record::events::{self, BootCause, JoinFailure, JoinOutcome};

/// Why the firmware starts.
pub(super) fn reset_cause(cause: BootCause) -> ResetCause {
    match cause {
        BootCause::PowerOn => ResetCause::PowerOn,
        // Waking up pulls the reset pin; the firmware never sleeps so.
        BootCause::External | BootCause::DeepSleep => ResetCause::External,
        BootCause::Software => ResetCause::Software,
        BootCause::Watchdog => ResetCause::Watchdog,
        BootCause::SoftwareWatchdog => ResetCause::SoftwareWatchdog,
        BootCause::Exception => ResetCause::Exception,
    }
}

/// What came of a join.
pub(super) fn join_result(outcome: JoinOutcome) -> Result<(), JoinError> {
    Err(match outcome {
        JoinOutcome::Joined => return Ok(()),
        JoinOutcome::Failed(JoinFailure::NotFound) => JoinError::NotFound,
        JoinOutcome::Failed(JoinFailure::WrongPassphrase) => JoinError::WrongPassphrase,
        JoinOutcome::Failed(JoinFailure::SecurityMismatch) => JoinError::SecurityMismatch,
        JoinOutcome::Failed(JoinFailure::Refused) => JoinError::Refused,
        JoinOutcome::Failed(JoinFailure::Timeout) => JoinError::Timeout,
    })
}

/// Why the link was lost.
pub(super) fn link_loss(loss: events::LinkLoss) -> LinkLoss {
    match loss {
        events::LinkLoss::BeaconTimeout => LinkLoss::BeaconTimeout,
        events::LinkLoss::Deauthenticated => LinkLoss::Deauthenticated,
        events::LinkLoss::Left | events::LinkLoss::Power => LinkLoss::Left,
    }
}
