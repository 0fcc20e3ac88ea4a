//! A driver between the stack and the radio: [`Heard`] hears what passes and has frames of its own to send, and what
//! [`Backlog`] does not admit is lost.

use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};

use crate::dhcp::Heard;
use crate::portal::Backlog;

/// Such a driver.
pub(crate) struct Listener<'h, D> {
    driver: D,
    heard: &'h Heard,
    backlog: &'h Backlog,
}

impl<'h, D> Listener<'h, D> {
    /// `driver`, heard by `heard`; what `backlog` does not admit is lost.
    pub fn new(driver: D, heard: &'h Heard, backlog: &'h Backlog) -> Self {
        Self { driver, heard, backlog }
    }
}

impl<D: Driver> Driver for Listener<'_, D> {
    type RxToken<'a>
        = Admitted<'a, D::RxToken<'a>>
    where
        Self: 'a;
    type TxToken<'a>
        = Overheard<'a, D::TxToken<'a>>
    where
        Self: 'a;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let (heard, backlog) = (self.heard, self.backlog);
        let (receive, transmit) = self.driver.receive(context)?;
        Some((Admitted { token: receive, heard, backlog }, Overheard { token: transmit, heard }))
    }

    fn transmit(&mut self, context: &mut Context<'_>) -> Option<Self::TxToken<'_>> {
        let heard = self.heard;
        if let Some(own) = heard.own() {
            self.driver.transmit(context)?.consume(own.length(), |frame| own.emit(frame));
            heard.own_sent();
        }
        self.driver.transmit(context).map(|token| Overheard { token, heard })
    }

    fn link_state(&mut self, context: &mut Context<'_>) -> LinkState {
        self.driver.link_state(context)
    }

    fn capabilities(&self) -> Capabilities {
        self.driver.capabilities()
    }

    fn hardware_address(&self) -> HardwareAddress {
        self.driver.hardware_address()
    }
}

/// A frame that comes.
pub(crate) struct Admitted<'a, T> {
    token: T,
    heard: &'a Heard,
    backlog: &'a Backlog,
}

impl<T: RxToken> RxToken for Admitted<'_, T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        let Self { token, heard, backlog } = self;
        token.consume(|frame| {
            heard.incoming(frame);
            // The stack throws away what is no frame.
            let length = if backlog.admits(frame) { frame.len() } else { 0 };
            f(&mut frame[..length])
        })
    }
}

/// A frame that goes.
pub(crate) struct Overheard<'a, T> {
    token: T,
    heard: &'a Heard,
}

impl<T: TxToken> TxToken for Overheard<'_, T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let Self { token, heard } = self;
        token.consume(length, |frame| {
            let result = f(frame);
            heard.outgoing(frame);
            result
        })
    }
}
