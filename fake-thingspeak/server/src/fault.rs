//! `fake-thingspeak fault`: sets, lists and clears the faults of a server that runs, through its `/_preflash/faults`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::net::TcpStream;

use crate::address::address;
use crate::control::PATH as FAULTS;
use crate::injection::{TlsFaultKind, injections};
use crate::printable::printable;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The server's address for HTTP, as it was given with --listen
    #[arg(long, value_name = "ADDR", value_parser = address, default_value = "127.0.0.1:8080", global = true)]
    server: SocketAddr,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
enum Action {
    /// Sets a fault; of several, the one that was set last counts
    Set {
        /// What goes wrong
        #[arg(value_parser = PossibleValuesParser::new(injections().map(|injection| injection.word)))]
        fault: String,
        /// For how many requests (or connections)
        #[arg(long, value_name = "N", conflicts_with = "seconds")]
        count: Option<u32>,
        /// For how many seconds
        #[arg(long, value_name = "N")]
        seconds: Option<f64>,
        /// Only for requests whose path begins like this, such as /update
        #[arg(long)]
        path: Option<String>,
        /// With status and reply: which one, 200 to 599; a reply has 200 without it
        #[arg(long)]
        status: Option<u16>,
        /// With retry-after, retry-after-date, delay-before-storing and delay-after-storing: for how many seconds
        #[arg(long, value_name = "SECONDS")]
        delay: Option<f64>,
        #[command(flatten)]
        reply: ReplyOptions,
        #[arg(long, value_name = "WHICH", help = format!("With certificate: {}", one_of(TlsFaultKind::Certificate)))]
        certificate: Option<String>,
        #[arg(long, value_name = "WHICH", help = format!("With man-in-the-middle: {}", one_of(TlsFaultKind::Attack)))]
        attack: Option<String>,
    },
    /// Lists the faults that are set
    List,
    /// Clears a fault, or all of them
    Clear {
        /// Its number, as listed
        id: Option<u64>,
    },
}

/// A reply as it is to be written.
#[derive(Debug, clap::Args)]
struct ReplyOptions {
    /// With reply: a header, such as "Retry-After: 60"; may be given several times
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// With reply: its body
    #[arg(long)]
    body: Option<String>,
    /// With reply: the request is handled before, and what it brings stored
    #[arg(long)]
    stores: bool,
    /// With reply: how many bytes of it are sent at once
    #[arg(long, value_name = "N")]
    piece_bytes: Option<u32>,
    /// With piece-bytes: for how many seconds nothing is sent between two pieces
    #[arg(long, value_name = "SECONDS", requires = "piece_bytes")]
    pause: Option<f64>,
    /// With reply: after how many bytes, counted from its first, the connection is closed
    #[arg(long, value_name = "N")]
    close_after_bytes: Option<u32>,
}

/// What a fault of TLS may be given, in a sentence: "a, b or c".
fn one_of(kind: TlsFaultKind) -> String {
    let words: Vec<&str> = kind.choices().into_iter().map(|(word, _)| word).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Why the command could not be carried out; reads well after "could not".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("reach the server at {address}: {reason}; is it running there? --server says where")]
    Unreachable { address: SocketAddr, reason: String },
    #[error("do that: {0}")]
    Refused(String),
    #[error("understand the server at {0}: it is no fake-thingspeak of this version")]
    Foreign(SocketAddr),
    #[error("start: {0}")]
    Start(#[from] std::io::Error),
}

/// Carries out the command, and prints the faults that are set afterwards.
pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let (method, path, body) = match &options.action {
        Action::List => (Method::GET, FAULTS.to_owned(), None),
        Action::Clear { id: None } => (Method::DELETE, FAULTS.to_owned(), None),
        Action::Clear { id: Some(id) } => (Method::DELETE, format!("{FAULTS}/{id}"), None),
        Action::Set { fault, count, seconds, path, status, delay, reply, certificate, attack } => {
            let mut order = Map::new();
            order.insert("fault".to_owned(), fault.clone().into());
            let parameters = [
                ("count", count.map(Value::from)),
                ("seconds", seconds.map(Value::from)),
                ("path", path.clone().map(Value::from)),
                ("status", status.map(Value::from)),
                ("delay", delay.map(Value::from)),
                ("headers", (!reply.headers.is_empty()).then(|| reply.headers.join("\n").into())),
                ("body", reply.body.clone().map(Value::from)),
                ("stores", reply.stores.then_some(Value::from("true"))),
                ("piece-bytes", reply.piece_bytes.map(Value::from)),
                ("pause", reply.pause.map(Value::from)),
                ("close-after-bytes", reply.close_after_bytes.map(Value::from)),
                ("certificate", certificate.clone().map(Value::from)),
                ("attack", attack.clone().map(Value::from)),
            ];
            order.extend(parameters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            (Method::POST, FAULTS.to_owned(), Some(Value::from(order)))
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let unreachable = |reason: String| Error::Unreachable { address: options.server, reason };
    let asked =
        runtime.block_on(async { tokio::time::timeout(PATIENCE, ask(options.server, method, &path, body)).await });
    let (status, reply) = match asked {
        Ok(Ok(replied)) => replied,
        Ok(Err(reason)) => return Err(unreachable(reason)),
        Err(_) => return Err(unreachable("it does not answer".to_owned())),
    };
    if let Some(details) = reply["error"]["details"].as_str().filter(|_| !status.is_success()) {
        return Err(Error::Refused(details.to_owned()));
    }
    let faults = reply["faults"].as_array().ok_or(Error::Foreign(options.server))?;
    if faults.is_empty() {
        println!("no faults are set");
    }
    faults.iter().for_each(|fault| println!("{}", printable(&line(fault))));
    Ok(())
}

/// `3  status 503 on /update, 2 more times`
fn line(fault: &Value) -> String {
    let mut line = format!("{:<3} {}", fault["id"].to_string(), fault["fault"].as_str().unwrap_or_default());
    for (name, unit) in [("status", ""), ("delay", " s"), ("certificate", ""), ("attack", "")] {
        match &fault[name] {
            Value::Null => {}
            Value::String(text) => line += &format!(" {text}{unit}"),
            value => line += &format!(" {value}{unit}"),
        }
    }
    if let Some(path) = fault["path"].as_str() {
        line += &format!(" on {path}");
    }
    let remaining = &fault["remaining"];
    match (remaining["count"].as_u64(), remaining["seconds"].as_u64()) {
        (Some(1), _) => line += ", once more",
        (Some(count), _) => line += &format!(", {count} more times"),
        (_, Some(seconds)) => line += &format!(", for {seconds} s"),
        _ => line += ", until it is cleared",
    }
    line
}

async fn ask(
    server: SocketAddr,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<(StatusCode, Value), String> {
    let stream = TcpStream::connect(server).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let body = Full::new(Bytes::from(body.map(|body| body.to_string()).unwrap_or_default()));
    let request = Request::builder().method(method).uri(path).header(HOST, server.to_string());
    let request = request.header(CONTENT_TYPE, "application/json").body(body).map_err(|error| error.to_string())?;
    let exchange = async {
        let reply = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = reply.status();
        let body = reply.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    };
    tokio::pin!(exchange);
    tokio::select! {
        done = &mut exchange => done,
        // The connection may end before the reply has been looked at.
        _ = connection => exchange.await,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_is_a_line() {
        let lines = [
            json!({"id": 3, "fault": "status", "status": 503, "path": "/update", "remaining": {"count": 2}}),
            json!({"id": 12, "fault": "delay-after-storing", "delay": 2.5, "remaining": {"seconds": 9}}),
            json!({"id": 4, "fault": "certificate", "certificate": "expired", "remaining": {"count": 1}}),
            json!({"id": 5, "fault": "reset", "remaining": null}),
            json!({"id": 6, "fault": "man-in-the-middle", "attack": "empty-record", "remaining": null}),
        ];
        let expected = [
            "3   status 503 on /update, 2 more times",
            "12  delay-after-storing 2.5 s, for 9 s",
            "4   certificate expired, once more",
            "5   reset, until it is cleared",
            "6   man-in-the-middle empty-record, until it is cleared",
        ];
        assert_eq!(lines.each_ref().map(line), expected);
    }
}
