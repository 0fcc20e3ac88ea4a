//! A request with everything that an operation wants to know of it.

use std::net::IpAddr;

use http::{Method, Request};
use hyper::body::Bytes;
use time::OffsetDateTime;

use super::account::Allowance;
use super::error::Failure;
use super::parameters::{self, Parameters};
use super::profile::Behaviour;
use super::route::{Format, Resource};
use super::zone::Zone;

/// The longest name of a function for JSONP in bytes.
const CALLBACK: usize = 128;

/// A request for a resource.
pub(super) struct Call<'r> {
    pub(super) request: &'r Request<Bytes>,
    /// What is to be done; a HEAD is a GET here.
    pub(super) method: Method,
    pub(super) format: Format,
    pub(super) parameters: Parameters<'r>,
    /// Times without a zone of their own are of this one, and times are shown in it.
    pub(super) zone: Zone,
    pub(super) now: OffsetDateTime,
    pub(super) client: IpAddr,
    pub(super) behaviour: &'static Behaviour,
    pub(super) allowance: Allowance,
}

impl<'r> Call<'r> {
    pub(super) fn of(
        request: &'r Request<Bytes>,
        resource: Resource<'_>,
        format: Format,
        now: OffsetDateTime,
        client: IpAddr,
        behaviour: &'static Behaviour,
        allowance: Allowance,
    ) -> Result<Self, Failure> {
        if resource == Resource::Update {
            let size = request.uri().query().map_or(0, str::len).saturating_add(request.body().len());
            if size > behaviour.message {
                return Err(Failure::TooLarge);
            }
        }
        let parameters = match resource {
            // Its body is read by itself, whatever type it says it has.
            Resource::BulkUpdate { csv: false, .. } if request.method() == Method::POST => {
                Parameters::of_query(request)?.with_object(&parameters::json_body(request)?)?
            }
            _ => Parameters::of(request)?,
        };
        let method = method(request, &parameters);
        let zone = Zone::of(parameters.first(&["timezone"]), parameters.first(&["offset"]));
        let call = Self { request, method, format, parameters, zone, now, client, behaviour, allowance };
        call.callback()?;
        Ok(call)
    }

    /// The function that the reply in JSON is to be handed to, if there is one.
    pub(super) fn callback(&self) -> Result<Option<&str>, Failure> {
        let Some(callback) = self.parameters.present("callback").filter(|_| self.method == Method::GET) else {
            return Ok(None);
        };
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"_$.[]".contains(&byte);
        match callback {
            _ if callback.len() > CALLBACK => Err(Failure::TooLong),
            _ if callback.bytes().all(harmless) => Ok(Some(callback)),
            _ => Err(Failure::BadRequest),
        }
    }

    /// `time` as it is to be shown.
    pub(super) fn shown(&self, time: OffsetDateTime) -> OffsetDateTime {
        self.zone.local(time)
    }

    /// The key of the channel, of the user or of the TalkBack.
    pub(super) fn key(&self) -> Option<&str> {
        parameters::key(self.request, &self.parameters)
    }
}

/// The method that is meant: forms, which know only GET and POST, name another one in `_method`.
fn method(request: &Request<Bytes>, parameters: &Parameters<'_>) -> Method {
    match (request.method(), parameters.first(&["_method"])) {
        (&Method::HEAD, _) => Method::GET,
        (&Method::PATCH, _) => Method::PUT,
        (&Method::POST, Some(meant)) => match meant.to_ascii_uppercase().as_str() {
            "PUT" | "PATCH" => Method::PUT,
            "DELETE" => Method::DELETE,
            _ => Method::POST,
        },
        (method, _) => method.clone(),
    }
}
