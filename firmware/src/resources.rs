//! The firmware's large memory, in one place that a target can keep in static memory.
//!
//! The chip has 80 KiB of data memory and its radio needs half of it: what is here, the future of [`run`](crate::run()) and the
//! heap's peak must stay under 48 KiB together.

use embassy_net::StackResources;

use crate::readings::Readings;

/// Sockets at the same time: in configuration mode three HTTP connections, DHCP and DNS servers, and the stack's own
/// resolver; in station mode DHCP, the resolver, SNTP and one connection to the cloud.
pub(crate) const SOCKETS: usize = 8;

/// The firmware's large memory.
pub struct Resources {
    pub(crate) stack: StackResources<SOCKETS>,
    pub(crate) readings: Readings,
}

impl Default for Resources {
    fn default() -> Self {
        Self::new()
    }
}

impl Resources {
    /// Fresh memory; constant, so that it can be static.
    pub const fn new() -> Self {
        Self { stack: StackResources::new(), readings: Readings::new() }
    }
}
