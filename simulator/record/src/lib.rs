//! What happens in a simulated world: virtual [time], named [random] streams, [events] by family, and who
//! [records](recorder) them.
//!
//! Nothing here knows the world that the events come from, nor the reports that are made of them; readers of
//! `events.jsonl` may depend on this alone. There is no clock and no I/O in it: time is a number that the world hands
//! out.
//!
//! A recorder that counts the questions that time servers left unanswered:
//!
//! ```
//! use std::io;
//!
//! use simulator_record::events::{DeviceId, Event, EventKind, Ntp, NtpOutcome, Serial};
//! use simulator_record::recorder::Recorder;
//! use simulator_record::time::Instant;
//!
//! /// Counts the questions that time servers left unanswered.
//! #[derive(Default)]
//! struct Unanswered(u32);
//!
//! impl Recorder for Unanswered {
//!     fn event(&mut self, event: &Event) -> io::Result<()> {
//!         if let EventKind::Ntp(Ntp { outcome: NtpOutcome::Ignored, .. }) = event.kind {
//!             self.0 += 1;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let device = Some(DeviceId(0));
//! let kinds: [EventKind; 3] = [
//!     Serial { line: "time: asking".to_owned() }.into(),
//!     Ntp { outcome: NtpOutcome::Ignored, unix_time: None }.into(),
//!     Ntp { outcome: NtpOutcome::Answered, unix_time: Some(1_767_225_600) }.into(),
//! ];
//! let mut unanswered = Unanswered::default();
//! for (second, kind) in (1..).zip(kinds) {
//!     unanswered.event(&Event { at: Instant::from_secs(second), sequence: second - 1, device, name: None, kind })?;
//! }
//! assert_eq!(unanswered.0, 1);
//! # Ok::<(), io::Error>(())
//! ```

pub mod events;
pub mod random;
pub mod recorder;
pub mod time;
