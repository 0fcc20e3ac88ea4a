//! What a server does with a new connection over TLS: rustls has it, or the TLS of old devices
//! ([`legacy_tls`](crate::legacy_tls)), whichever client and policy want.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::{ServerConfig, SignatureScheme, SupportedCipherSuite};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;

use crate::legacy_tls::hello::{Begun, ClientHello};
use crate::legacy_tls::{self, Policy, Suite, Version};

/// The most that is read before rustls has to make something of it.
const LONGEST_HELLO: usize = 1 << 15;

/// A server that speaks TLS. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsServer {
    current: Arc<ServerConfig>,
    /// How its certificate's key signs.
    scheme: SignatureScheme,
    legacy: Option<Arc<legacy_tls::Server>>,
}

impl TlsServer {
    /// A server that speaks what `current` says, whose key signs by `scheme`, and with old devices what `legacy` says.
    pub fn new(current: Arc<ServerConfig>, scheme: SignatureScheme, legacy: Option<Arc<legacy_tls::Server>>) -> Self {
        Self { current, scheme, legacy }
    }

    /// Shakes hands; an error says why there is no connection, and gives the stream back.
    ///
    /// # Errors
    /// The reason, in words.
    pub async fn accept<IO>(&self, io: IO) -> Result<TlsStream<IO>, (String, IO)>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut io = Rewound { front: Vec::new(), taken: 0, io };
        if let Some(legacy) = &self.legacy {
            let is_old = match legacy.policy {
                Policy::Off => false,
                Policy::Only => true,
                Policy::Auto => match self.offers_nothing_better(&mut io).await {
                    Ok(is_old) => is_old,
                    Err(error) => return Err((format!("the client went away: {error}"), io.io)),
                },
            };
            if is_old {
                return match legacy.accept(io).await {
                    Ok(stream) => Ok(TlsStream::Legacy(Box::new(stream))),
                    Err((refusal, io)) => Err((refusal.to_string(), io.io)),
                };
            }
        }
        match TlsAcceptor::from(Arc::clone(&self.current)).accept(io).into_fallible().await {
            Ok(stream) => Ok(TlsStream::Current(Box::new(stream))),
            Err((error, io)) => Err((error.to_string(), io.io)),
        }
    }

    /// Whether a client begins with a hello in which there is nothing for rustls, but something for old devices. What
    /// has been read for that goes back.
    async fn offers_nothing_better<IO: AsyncRead + Unpin>(&self, io: &mut Rewound<IO>) -> io::Result<bool> {
        loop {
            match Begun::of(&io.front) {
                Begun::Hello(hello) => return Ok(hello.can_be_served() && !self.serves(&hello)),
                Begun::Foreign => return Ok(false),
                Begun::Part if io.front.len() >= LONGEST_HELLO => return Ok(false),
                Begun::Part if io.io.read_buf(&mut io.front).await? == 0 => return Ok(false),
                Begun::Part => {}
            }
        }
    }

    /// Whether rustls finds version, cipher suite, group and signature in what a client offers.
    fn serves(&self, hello: &ClientHello) -> bool {
        let provider = self.current.crypto_provider();
        let has_group = provider.kx_groups.iter().any(|group| hello.groups.contains(&u16::from(group.name())));
        let has_signature = hello.signatures.contains(&u16::from(self.scheme));
        let can = |suite: &SupportedCipherSuite| match suite {
            SupportedCipherSuite::Tls13(_) => hello.speaks(0x0304),
            SupportedCipherSuite::Tls12(suite) => hello.speaks(0x0303) && suite.sign.contains(&self.scheme),
        };
        let mut suites = provider.cipher_suites.iter().filter(|suite| hello.suites.contains(&u16::from(suite.suite())));
        has_group && has_signature && suites.any(can)
    }
}

/// A connection over TLS.
pub enum TlsStream<IO> {
    /// By rustls.
    Current(Box<tokio_rustls::server::TlsStream<Rewound<IO>>>),
    /// As old devices speak it.
    Legacy(Box<legacy_tls::Stream<Rewound<IO>>>),
}

impl<IO> TlsStream<IO> {
    /// Version and cipher suite, if they are those of old devices.
    pub fn legacy(&self) -> Option<(Version, Suite)> {
        match self {
            Self::Current(_) => None,
            Self::Legacy(stream) => Some(stream.agreed()),
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Current(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
            Self::Legacy(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Current(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
            Self::Legacy(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Current(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
            Self::Legacy(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Current(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            Self::Legacy(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

/// A stream whose first bytes have been read already, and are read once more.
pub struct Rewound<IO> {
    front: Vec<u8>,
    taken: usize,
    io: IO,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Rewound<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if stream.taken == stream.front.len() {
            return Pin::new(&mut stream.io).poll_read(cx, buffer);
        }
        let front = &stream.front[stream.taken..];
        let length = front.len().min(buffer.remaining());
        buffer.put_slice(&front[..length]);
        stream.taken += length;
        if stream.taken == stream.front.len() {
            (stream.front, stream.taken) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Rewound<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
