//! Configuration mode: the access point's small network with one page on it.
//!
//! A phone joins, gets a lease (`dhcp`), asks for any name and is told 192.168.4.1 (`dns`), asks for any page and is
//! led to the form (`request`, `page`), and posts it (`form`); what is right is saved and confirmed, and [`run`]
//! returns for the restart. Three connections are served side by side, each within its own time (`server`), so that a
//! silent or dawdling client holds up nobody else.
//!
//! All buffers come from one arena; what the futures here keep across their waits is small. Saving goes through one
//! queue, because there is one flash.
//!
//! Not done: HTTPS (a certificate for 192.168.4.1 would warn every visitor), DHCP option 114 (RFC 8910 wants HTTPS
//! there), DNS over TCP, IPv6.

mod backlog;
mod dhcp;
mod dns;
mod form;
mod page;
mod request;
mod server;
#[cfg(test)]
mod tests;

use core::cell::RefCell;
use core::net::Ipv4Addr;

use embassy_futures::join::{join3, join4};
use embassy_futures::select::select;
use embassy_net::Stack;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use embedded_storage_async::nor_flash::NorFlash;
use log::{error, info, warn};

use crate::settings::{FieldErrors, Settings};
use crate::store::{self, StoreError};
pub use backlog::Backlog;
use form::Form;

/// The duck's own address in configuration mode, with [`PREFIX`]; also the gateway and the DNS server of the phones.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 4, 1);
/// Prefix length of the access point's network.
pub const PREFIX: u8 = 24;
/// Sockets that [`run`] opens; the stack's resources must have room for them.
pub const SOCKETS: usize = server::SLOTS + 2;
/// Bytes of buffers that [`run`] needs.
pub const ARENA: usize = server::SLOTS * server::ARENA + dhcp::ARENA + dns::ARENA;

/// Serves the configuration page until settings are saved and the confirmation is delivered, then returns: time to
/// restart.
///
/// `stack` has [`ADDRESS`] already, over the open access point, and somebody runs it meanwhile. `stored` fills the
/// form, secrets excepted. `switch_on` says whether the configuration switch is still on. `backlog` stands before the
/// stack and lets connections wait that come while all slots are taken.
pub async fn run<F: NorFlash>(
    stack: Stack<'_>,
    flash: &mut F,
    arena: &mut [u8; ARENA],
    stored: Option<&Settings>,
    mut switch_on: impl FnMut() -> bool,
    backlog: &Backlog,
) {
    let mut arena = Arena(arena);
    let saves = SaveQueue {
        stored,
        switch_on: RefCell::new(&mut switch_on),
        turn: Mutex::new(()),
        wanted: Signal::new(),
        outcome: Signal::new(),
        confirmed: Signal::new(),
    };
    info!(target: "config", "serving http://{ADDRESS}/");
    let dhcp = dhcp::serve(stack, &mut arena);
    let dns = dns::serve(stack, &mut arena);
    let slots: [_; server::SLOTS] = core::array::from_fn(|_| server::serve(stack, &mut arena, &saves, backlog));
    let [first, second, third] = slots;
    let services = join4(dhcp, dns, join3(first, second, third), saves.run(flash));
    select(services, saves.confirmed.wait()).await;
}

/// Buffers not yet handed out.
struct Arena<'a>(&'a mut [u8]);

impl<'a> Arena<'a> {
    fn take(&mut self, size: usize) -> &'a mut [u8] {
        let (taken, rest) = core::mem::take(&mut self.0).split_at_mut(size);
        self.0 = rest;
        taken
    }
}

/// What the connections want saved, one after another.
struct SaveQueue<'a> {
    stored: Option<&'a Settings>,
    switch_on: RefCell<&'a mut dyn FnMut() -> bool>,
    /// Held by the connection whose settings are being saved.
    turn: Mutex<NoopRawMutex, ()>,
    wanted: Signal<NoopRawMutex, Settings>,
    outcome: Signal<NoopRawMutex, Result<(), StoreError>>,
    confirmed: Signal<NoopRawMutex, ()>,
}

impl SaveQueue<'_> {
    fn switch_on(&self) -> bool {
        (self.switch_on.borrow_mut())()
    }

    /// Queues a form, and waits until its settings are in flash; a form with wrong fields comes back at once.
    async fn submit(&self, form: &Form<'_>) -> Result<Result<(), StoreError>, FieldErrors> {
        let _turn = self.turn.lock().await;
        self.push(form)?;
        Ok(self.outcome.wait().await)
    }

    /// A function of its own, so that no future keeps the settings while it waits.
    fn push(&self, form: &Form<'_>) -> Result<(), FieldErrors> {
        let settings = form.settings().inspect_err(|errors| warn!(target: "config", "not saved: {errors}"))?;
        self.wanted.signal(settings);
        Ok(())
    }

    /// Saves what is queued.
    async fn run<F: NorFlash>(&self, flash: &mut F) {
        loop {
            let settings = self.wanted.wait().await;
            let outcome = store::save(flash, &settings).await;
            match &outcome {
                Ok(()) => info!(target: "config", "settings saved, restarting"),
                Err(error) => error!(target: "config", "could not save the settings: {error}"),
            }
            self.outcome.signal(outcome);
        }
    }
}
