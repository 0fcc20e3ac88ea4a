//! What all connections share: the cloud and the file it is kept in, certificates, faults, subscriptions, and how much
//! of the machine each client has.

use std::cell::{Cell, RefCell};

use crate::visitor::Control;
use fake_thingspeak::cloud::Cloud;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::committer::Committer;
use crate::fault_rules::Faults;
use crate::options::Options;
use crate::server_certificates::ServerCertificates;
use crate::shares::Shares;
use crate::subscriptions::Subscriptions;

/// How many connections are served at a time; more are turned away.
pub(crate) const CONNECTIONS: usize = 1_000;

/// How many bytes all connections together may take for bodies and replies that are large: eight of the largest bodies.
const MEMORY: usize = 32 << 20;

/// What all connections share.
pub(crate) struct ServerState {
    cloud: RefCell<Cloud>,
    /// `None`: what is stored is kept in memory only.
    committer: Option<Committer>,
    pub(crate) certificates: ServerCertificates,
    pub(crate) faults: RefCell<Faults>,
    /// Notified when a fault may have been set or cleared.
    pub(crate) faults_changed: Notify,
    /// Whether any listener speaks TLS.
    pub(crate) speaks_tls: bool,
    /// Whether the log has told that a client was served as old devices need it.
    pub(crate) legacy_tls_told: Cell<bool>,
    control_from_anywhere: bool,
    pub(crate) subscriptions: Subscriptions,
    /// Connections, by client.
    pub(crate) connections: Shares,
    /// Bytes for large bodies and replies, by client.
    pub(crate) memory: Shares,
}

impl ServerState {
    /// The state of a server for `cloud`, whose changes go to `committer`.
    pub(crate) fn new(
        cloud: Cloud,
        committer: Option<Committer>,
        certificates: ServerCertificates,
        options: &Options,
    ) -> Self {
        Self {
            cloud: RefCell::new(cloud),
            committer,
            certificates,
            faults: RefCell::default(),
            faults_changed: Notify::new(),
            speaks_tls: options.tls_listen.or(options.mqtt.mqtt_tls_listen).is_some(),
            legacy_tls_told: Cell::new(false),
            control_from_anywhere: options.control_from_anywhere,
            subscriptions: Subscriptions::default(),
            connections: Shares::new(CONNECTIONS),
            memory: Shares::new(MEMORY),
        }
    }

    /// Lets `work` have the cloud, and queues what it changes for the file.
    pub(crate) fn with_cloud<R>(&self, work: impl FnOnce(&mut Cloud) -> R) -> R {
        let mut cloud = self.cloud.borrow_mut();
        let result = work(&mut cloud);
        if let Some(committer) = &self.committer {
            committer.queue(cloud.take_changes());
        }
        result
    }

    /// Ends when all that the cloud has done so far is durable.
    pub(crate) async fn durable(&self) {
        match &self.committer {
            Some(committer) => committer.durable().await,
            // Let all requests that have arrived be handled before the first reply goes out: a client that waits for
            // several is woken once then, and not for each. That costs a tenth to a fifth less than a reply at a time.
            None => tokio::task::yield_now().await,
        }
    }

    /// Sends subscribers messages about new entries, for ever.
    pub(crate) async fn broadcast(&self) {
        loop {
            let entries = self.subscriptions.take_pending().await;
            self.durable().await;
            self.subscriptions.notify(&entries, &self.cloud.borrow());
        }
    }

    /// Which requests may set faults.
    pub(crate) fn control(&self) -> Control<'_> {
        match self.control_from_anywhere {
            true => Control::Anywhere(self.certificates.hosts()),
            false => Control::ThisMachine,
        }
    }

    /// Whether a fault is set that strikes a connection before its first byte is looked at.
    pub(crate) fn has_connection_faults(&self) -> bool {
        self.faults.borrow_mut().has_connection_faults(Instant::now())
    }

    /// Whether connections are refused now: the rule's name for the log, and until when.
    pub(crate) fn refuses_connections(&self) -> Option<(String, Instant)> {
        self.faults.borrow_mut().refusal(Instant::now())
    }
}
