//! The MQTT broker with what wakes its connections, and the queue through which it hears of new entries.
//!
//! Every entry goes through the queue, whether it was stored by HTTP or by MQTT. Subscribers hear of it once it is
//! durable ([`ServerState::broadcast`](crate::state::ServerState::broadcast)).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::broker::{Broker, ConnectionId};
use fake_thingspeak::cloud::{Cloud, Stored};
use tokio::sync::Notify;

/// The broker and its connections.
#[derive(Default)]
pub(crate) struct Subscriptions {
    pub(crate) broker: RefCell<Broker>,
    /// What wakes each connection when it has something to send.
    wakers: RefCell<BTreeMap<ConnectionId, Rc<Notify>>>,
    /// Entries that subscribers have not heard of yet.
    pending: RefCell<Vec<Stored>>,
    more_pending: Notify,
}

impl Subscriptions {
    /// Adds a connection; the result is notified when the broker has something for it.
    pub(crate) fn add(&self, id: ConnectionId) -> Rc<Notify> {
        let waker = Rc::new(Notify::new());
        self.wakers.borrow_mut().insert(id, Rc::clone(&waker));
        waker
    }

    /// Removes a connection.
    pub(crate) fn remove(&self, id: ConnectionId) {
        self.wakers.borrow_mut().remove(&id);
        self.broker.borrow_mut().disconnected(id);
    }

    /// Queues an entry that was stored.
    pub(crate) fn stored(&self, entry: &Stored) {
        if !self.wakers.borrow().is_empty() {
            self.pending.borrow_mut().push(entry.clone());
            self.more_pending.notify_one();
        }
    }

    /// Waits until entries are queued, and takes them.
    pub(crate) async fn take_pending(&self) -> Vec<Stored> {
        self.more_pending.notified().await;
        self.pending.take()
    }

    /// Puts messages about `entries` into the sessions that subscribe to them.
    pub(crate) fn notify(&self, entries: &[Stored], cloud: &Cloud) {
        entries.iter().for_each(|entry| self.broker.borrow_mut().notify(entry, cloud));
        self.wake_all();
    }

    /// Has every connection look whether it has something to do.
    pub(crate) fn wake_all(&self) {
        self.wakers.borrow().values().for_each(|waker| waker.notify_one());
    }
}
