//! The sockets that the server listens on.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::error::Error;
use crate::options::Options;

/// Sockets from which no connection has been taken yet.
pub(crate) struct Listeners {
    pub(crate) http: TcpListener,
    pub(crate) https: Option<TcpListener>,
    /// MQTT without WebSockets.
    pub(crate) mqtt: Option<TcpListener>,
    /// MQTT without WebSockets over TLS.
    pub(crate) mqtts: Option<TcpListener>,
}

/// Where the server listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
    /// MQTT without WebSockets.
    pub(crate) mqtt: Option<SocketAddr>,
    /// MQTT without WebSockets over TLS.
    pub(crate) mqtts: Option<SocketAddr>,
}

impl Listeners {
    /// Opens what the command line names.
    pub(crate) async fn bind(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            http: listen(options.listen, "--listen").await?,
            https: listen_if(options.tls_listen, "--tls-listen").await?,
            mqtt: listen_if(options.mqtt.mqtt_listen, "--mqtt-listen").await?,
            mqtts: listen_if(options.mqtt.mqtt_tls_listen, "--mqtt-tls-listen").await?,
        })
    }

    /// Where they are, also where the operating system chose the port.
    pub(crate) fn addresses(&self) -> io::Result<Addresses> {
        let address = |listener: &Option<TcpListener>| listener.as_ref().map(TcpListener::local_addr).transpose();
        Ok(Addresses {
            http: self.http.local_addr()?,
            https: address(&self.https)?,
            mqtt: address(&self.mqtt)?,
            mqtts: address(&self.mqtts)?,
        })
    }
}

async fn listen_if(address: Option<SocketAddr>, option: &'static str) -> Result<Option<TcpListener>, Error> {
    match address {
        Some(address) => Ok(Some(listen(address, option).await?)),
        None => Ok(None),
    }
}

async fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, option, source })
}
