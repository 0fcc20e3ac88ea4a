//! MQTT over WebSockets (RFC 6455; MQTT 3.1.1, section 6) at `/mqtt`, where HTTP and HTTPS are served, as the service
//! has it.
//!
//! [`reply`] is what a request for the path gets: 101, or an error like the service's that says what is wrong with it.
//! [`serve`] carries the connection's binary messages, however MQTT is cut into them, to the broker and back; anything
//! else than binary messages ends it, with a close frame that says why. The library reads and writes frames, and
//! answers pings.
//!
//! Pages from elsewhere may connect, as they may use the rest of the service: MQTT asks for the password of a device.
//!
//! Not modelled: extensions, compression among them, which a client has to do without.

use std::io;

use fake_thingspeak::serve::Ending;
use futures_util::{SinkExt, StreamExt};
use http::header::{ALLOW, CONNECTION, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use crate::client::Client;
use crate::mqtt::{self, Transport};
use crate::service_error::error as refused;

/// The path of the WebSocket.
pub(crate) const PATH: &str = "/mqtt";

/// What MQTT is called among subprotocols: its name, and what older clients say.
const SUBPROTOCOLS: [&str; 2] = ["mqtt", "mqttv3.1"];

/// The largest frame, and the largest message in several: room for some of the largest packets.
const LARGEST: usize = 64 << 10;

/// The largest frame that is sent; what is more goes into several.
const PIECE: usize = 16 << 10;

/// How little is read at a time, as there are many connections of which little comes.
const BUFFER: usize = 4 << 10;

/// The reply to a request for [`PATH`]; `None` for any other.
pub(crate) fn reply(request: &Request<Bytes>) -> Option<Response<Bytes>> {
    (request.uri().path() == PATH).then(|| match create_response_with_body(request, Bytes::new) {
        Ok(response) => agreed(request, response),
        Err(error) => refusal(error),
    })
}

/// `response` to a good handshake, with what is going to be spoken.
fn agreed(request: &Request<Bytes>, mut response: Response<Bytes>) -> Response<Bytes> {
    let Some(subprotocol) = subprotocol(request) else {
        return bad_request("Please offer mqtt in Sec-WebSocket-Protocol.");
    };
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    response
}

/// The one that is spoken, of those that the client offers.
fn subprotocol(request: &Request<Bytes>) -> Option<&'static str> {
    let offers = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|offer| offer.to_str().ok());
    let offers: Vec<_> = offers.flat_map(|offer| offer.split(',')).map(str::trim).collect();
    SUBPROTOCOLS.into_iter().find(|known| offers.contains(known))
}

/// The refusal for a handshake that lacks something.
fn refusal(error: Error) -> Response<Bytes> {
    let Error::Protocol(error) = error else { return bad_request("This is no handshake of a WebSocket.") };
    let lacks = |details| {
        let code = "error_upgrade_required";
        let mut response = refused(StatusCode::UPGRADE_REQUIRED, code, "Upgrade Required", details);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        response
    };
    match error {
        ProtocolError::WrongHttpMethod => {
            let details = "A WebSocket begins with GET.";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let mut response = refused(status, "error_method_invalid", "Method Not Allowed", details);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            response
        }
        ProtocolError::WrongHttpVersion => lacks("This is MQTT over a WebSocket, which needs HTTP/1.1."),
        ProtocolError::MissingConnectionUpgradeHeader => {
            lacks("This is MQTT over a WebSocket, and the request lacks the header Connection: Upgrade.")
        }
        ProtocolError::MissingUpgradeWebSocketHeader => {
            lacks("This is MQTT over a WebSocket, and the request lacks the header Upgrade: websocket.")
        }
        ProtocolError::MissingSecWebSocketVersionHeader => lacks("Sec-WebSocket-Version has to be 13."),
        ProtocolError::MissingSecWebSocketKey => bad_request("Sec-WebSocket-Key is missing."),
        _ => bad_request("Sec-WebSocket-Key has to be 16 bytes in base 64."),
    }
}

fn bad_request(details: &str) -> Response<Bytes> {
    refused(StatusCode::BAD_REQUEST, "error_bad_request", "Bad Request", details)
}

/// Carries MQTT over the WebSocket that `stream` has become, until one side has enough. The client has sent `read`
/// already.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, read: Bytes, client: &Client) -> Ending {
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * PIECE)
        .max_frame_size(Some(LARGEST))
        .max_message_size(Some(LARGEST));
    let socket = WebSocketStream::from_partially_read(stream, read.into(), Role::Server, Some(config)).await;
    let close_frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let mut messages = MessageTransport { socket, message: Bytes::new(), close_frame };
    let ending = mqtt::serve_over(&mut messages, client).await;
    if messages.close_frame.code != CloseCode::Normal {
        tracing::info!(target: "mqtt", client = client.name, "WebSocket closed: {}", messages.close_frame.reason);
    }
    ending
}

/// A WebSocket whose messages are pieces of MQTT.
struct MessageTransport<S> {
    socket: WebSocketStream<S>,
    /// The last that came.
    message: Bytes,
    /// What is said at the end.
    close_frame: CloseFrame,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for MessageTransport<S> {
    async fn receive(&mut self) -> io::Result<&[u8]> {
        self.message.clear();
        // An empty message is not the end.
        while self.message.is_empty() {
            match self.socket.next().await {
                Some(Ok(Message::Binary(message))) => self.message = message,
                Some(Ok(Message::Text(_))) => {
                    return Err(self.close_with(CloseCode::Unsupported, "MQTT is in binary frames"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => break,
                Some(Err(Error::Capacity(_))) => return Err(self.close_with(CloseCode::Size, "a message is too large")),
                Some(Err(Error::Utf8(_))) => return Err(self.close_with(CloseCode::Invalid, "a text is no UTF-8")),
                Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => break,
                Some(Err(Error::Protocol(error))) => {
                    return Err(self.close_with(CloseCode::Protocol, &error.to_string()));
                }
                Some(Err(error)) => return Err(io::Error::other(error)),
            }
        }
        Ok(&self.message)
    }

    async fn send(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let mut bytes = Bytes::from(bytes);
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            self.socket.feed(Message::Binary(piece)).await.map_err(io::Error::other)?;
        }
        self.socket.flush().await.map_err(io::Error::other)
    }

    async fn close(&mut self) -> io::Result<()> {
        let said = match self.socket.close(Some(self.close_frame.clone())).await {
            // The client was the first, and the library's answer has only to be sent.
            Err(Error::Protocol(ProtocolError::SendAfterClosing)) => self.socket.flush().await,
            said => said,
        };
        said.map_err(io::Error::other)
    }
}

impl<S> MessageTransport<S> {
    /// Gives up, to say so in the close frame.
    fn close_with(&mut self, code: CloseCode, reason: &str) -> io::Error {
        self.close_frame = CloseFrame { code, reason: reason.into() };
        io::Error::other(reason.to_owned())
    }
}
