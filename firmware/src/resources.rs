//! The firmware's large memory, in one place that a target can keep in static memory.
//!
//! Configuration mode and station mode never run at the same time, so both cut their buffers from one arena. The chip
//! has 80 KiB of data memory and its radio needs half of it: what is here, the future of [`run`](crate::run()) and the
//! heap's peak must stay under 48 KiB together.

use embassy_net::StackResources;

use crate::readings::Readings;
use crate::uploader::request::BODY_SIZE;
use crate::{portal, tls};

/// Sockets at the same time: in station mode DHCP, the resolver, SNTP and one connection to the cloud; in configuration
/// mode the portal's and the stack's own resolver.
pub(crate) const SOCKETS: usize = if portal::SOCKETS + 1 > 4 { portal::SOCKETS + 1 } else { 4 };

/// What the cloud may send before it must wait: a full segment and a bit. A TLS record passes through in pieces.
const RECEIVE: usize = 1_792;
/// What may be under way to the cloud: one full segment; a request is little more.
const SEND: usize = 1_460;
/// A reply's head, or its body; both are small.
const REPLY: usize = 1_024;
const STATION_ARENA: usize = tls::MEMORY + RECEIVE + SEND + BODY_SIZE + REPLY;

/// Bytes for the buffers of whichever mode runs.
pub(crate) const ARENA: usize = if STATION_ARENA > portal::ARENA { STATION_ARENA } else { portal::ARENA };

/// The firmware's large memory.
pub struct Resources {
    pub(crate) stack: StackResources<SOCKETS>,
    pub(crate) readings: Readings,
    pub(crate) arena: [u8; ARENA],
}

impl Default for Resources {
    fn default() -> Self {
        Self::new()
    }
}

impl Resources {
    /// Fresh memory; constant, so that it can be static.
    pub const fn new() -> Self {
        Self { stack: StackResources::new(), readings: Readings::new(), arena: [0; ARENA] }
    }
}

/// The uploader's buffers.
pub(crate) struct UploadBuffers<'a> {
    /// TCP's, for what was received and not yet read.
    pub receive: &'a mut [u8],
    /// TCP's, for what was sent and not yet acknowledged.
    pub send: &'a mut [u8],
    /// The body of the request.
    pub body: &'a mut [u8],
    /// The reply.
    pub reply: &'a mut [u8],
    /// TLS's.
    pub tls: tls::Buffers<&'a mut [u8; tls::MEMORY]>,
}

/// Cuts the arena for station mode.
pub(crate) fn for_station(arena: &mut [u8; ARENA]) -> UploadBuffers<'_> {
    let (tls, rest) = arena.split_first_chunk_mut().expect("the arena is larger than STATION_ARENA");
    let (receive, rest) = rest.split_at_mut(RECEIVE);
    let (send, rest) = rest.split_at_mut(SEND);
    let (body, rest) = rest.split_at_mut(BODY_SIZE);
    UploadBuffers { receive, send, body, reply: &mut rest[..REPLY], tls: tls::Buffers::over(tls) }
}

/// Cuts the arena for configuration mode.
pub(crate) fn for_portal(arena: &mut [u8; ARENA]) -> &mut [u8; portal::ARENA] {
    arena.first_chunk_mut().expect("the arena is larger than the portal's")
}
