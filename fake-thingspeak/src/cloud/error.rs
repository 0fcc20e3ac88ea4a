//! ThingSpeak's errors: status, code, and the body in the format that was asked for (MathWorks, "Error Codes").
//!
//! The words of 401, 404, 405, 421 and 429 are those of the open-source server, but for 401 in the documentation; those
//! of the others are ours.

use http::StatusCode;

use super::profile::Behaviour;
use super::render::{Answer, Cell, Record, json, xml};
use super::route::{Format, Resource};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    BadRequest,
    /// A value is longer than it may be; the reply is that to any bad request.
    TooLong,
    AuthorizationRequired,
    /// The account has no channel or no message left.
    PaymentRequired,
    NotFound,
    MethodInvalid,
    Conflict,
    TooLarge,
    /// The path and query are longer than anyone reads.
    UriTooLong,
    /// The headers are longer than anyone reads.
    HeadersTooLarge,
    /// There is nothing that could be done.
    NoAction,
    InvalidByteSequence,
    TooManyRequests,
    /// A write that comes too soon after the last one.
    TooSoon,
    /// A write with a key that opens nothing.
    WriteRefused,
    /// A read of a channel that the key does not open.
    ReadRefused,
    /// The channel may be read, but there is no such entry.
    NoEntry,
    /// What only a user may do, with a key that is no user's.
    UserRefused,
    /// A status for which ThingSpeak has no code: what stands in front of it answers.
    Status(StatusCode),
}

/// What a documented error says.
struct Words {
    code: &'static str,
    message: &'static str,
    details: &'static str,
}

impl Failure {
    /// The failure that is documented for `status`, or the bare status.
    pub(super) fn from_status(status: u16) -> Self {
        let documented = [
            Self::BadRequest,
            Self::AuthorizationRequired,
            Self::PaymentRequired,
            Self::NotFound,
            Self::MethodInvalid,
            Self::Conflict,
            Self::TooLarge,
            Self::UriTooLong,
            Self::HeadersTooLarge,
            Self::NoAction,
            Self::InvalidByteSequence,
            Self::TooManyRequests,
        ];
        documented.into_iter().find(|failure| failure.status() == status).unwrap_or_else(|| {
            let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
            Self::Status(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        })
    }

    /// The failure in plain words, for a record.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::BadRequest => "something in it is malformed",
            Self::TooLong => "a value is too long",
            Self::AuthorizationRequired | Self::WriteRefused => "the key is missing or wrong",
            Self::PaymentRequired => "the account has no channel or no message of this year left",
            Self::NotFound => "there is no such thing",
            Self::MethodInvalid => "the method does not go with the path",
            Self::Conflict => "the channel already has an entry with this created_at",
            Self::TooLarge | Self::UriTooLong | Self::HeadersTooLarge => "it is too large",
            Self::NoAction => "there is nothing to be done",
            Self::InvalidByteSequence => "it is not UTF-8",
            Self::TooManyRequests | Self::TooSoon => "too soon after the last entry",
            Self::ReadRefused => "the channel is private, and the key does not open it",
            Self::NoEntry => "there is no such entry",
            Self::UserRefused => "the key is no user's",
            Self::Status(_) => "the service is out of order",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::TooLong | Self::ReadRefused => StatusCode::BAD_REQUEST,
            Self::AuthorizationRequired | Self::WriteRefused | Self::UserRefused => StatusCode::UNAUTHORIZED,
            Self::PaymentRequired => StatusCode::PAYMENT_REQUIRED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodInvalid => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NoAction => StatusCode::MISDIRECTED_REQUEST,
            Self::InvalidByteSequence => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::TooSoon | Self::NoEntry => StatusCode::OK,
            Self::Status(status) => status,
        }
    }

    fn words(self, behaviour: &Behaviour) -> Option<Words> {
        let (code, message, details) = match self {
            Self::BadRequest | Self::TooLong => {
                ("error_bad_request", "Bad Request", "The request cannot be fulfilled due to bad syntax.")
            }
            Self::AuthorizationRequired | Self::WriteRefused | Self::UserRefused => {
                ("error_auth_required", "Authorization Required", behaviour.details_of_401)
            }
            Self::PaymentRequired => (
                "error_payment_required",
                "Payment Required",
                "The account has no channel or no message of this year left.",
            ),
            Self::NotFound => (
                "error_resource_not_found",
                "Resource Not Found",
                "The requested resource was not found. Please check the URL and try again.",
            ),
            Self::MethodInvalid => {
                ("error_method_invalid", "Method Not Allowed", "Please use the proper HTTP method for this request.")
            }
            Self::Conflict => ("error_conflict", "Conflict", "The channel already has an entry with this created_at."),
            Self::TooLarge | Self::UriTooLong | Self::HeadersTooLarge => {
                ("error_request_too_large", "Request Too Large", "Please send less in one request.")
            }
            Self::NoAction => (
                "error_no_action",
                "No Action Performed",
                "The server attempted to process your request, but has no action to perform.",
            ),
            Self::InvalidByteSequence => {
                ("error_invalid_byte_sequence", "Invalid Byte Sequence", "Please send valid UTF-8.")
            }
            Self::TooManyRequests => {
                ("error_too_many_requests", "Too Many Requests", "Please wait before making another request.")
            }
            Self::TooSoon | Self::ReadRefused | Self::NoEntry | Self::Status(_) => return None,
        };
        Some(Words { code, message, details })
    }

    /// The reply in `format`, to a request for `resource`.
    pub(super) fn answer(self, resource: Option<Resource<'_>>, format: Format, behaviour: &Behaviour) -> Answer {
        let one_entry = resource.is_some_and(Resource::is_one_entry);
        let refused = |status, body: String| Answer {
            status,
            content_type: format.content_type(),
            cacheable: status == StatusCode::OK,
            body,
        };
        match self {
            Self::Status(status) => page(status),
            Self::TooSoon => refused(StatusCode::OK, "0".to_owned()),
            Self::WriteRefused if behaviour.zero_for_a_wrong_key => refused(StatusCode::BAD_REQUEST, "0".to_owned()),
            Self::UserRefused if behaviour.login_refusal && format == Format::Json => {
                let words = Record::new([("error", Cell::text("Could not authenticate you."))]);
                refused(StatusCode::UNAUTHORIZED, json(&words))
            }
            Self::ReadRefused if one_entry && behaviour.refusals_of_one_entry_are_ok => {
                refused(StatusCode::OK, minus_one(format, behaviour))
            }
            Self::NoEntry => refused(StatusCode::OK, minus_one(format, behaviour)),
            Self::ReadRefused => refused(self.status(), "-1".to_owned()),
            _ => {
                let status = self.status();
                let body = self.words(behaviour).map(|words| words.shown(status, format, behaviour));
                refused(status, body.unwrap_or_default())
            }
        }
    }
}

impl Words {
    fn shown(&self, status: StatusCode, format: Format, behaviour: &Behaviour) -> String {
        let error = Record::new([
            ("error_code", Cell::text(self.code)),
            ("message", Cell::text(self.message)),
            ("details", Cell::text(self.details)),
        ]);
        let beside = |error| Record::new([("status", Cell::text(status.as_str())), ("error", Cell::Record(error))]);
        match format {
            Format::Json => json(&beside(error)),
            Format::Xml if behaviour.errors_in_a_hash => xml("hash", &beside(error)),
            Format::Xml => xml("error", &error),
            Format::Text | Format::Csv | Format::Unspecified => self.code.to_owned(),
        }
    }
}

/// What stands for an entry that there is none of.
fn minus_one(format: Format, behaviour: &Behaviour) -> String {
    match format {
        Format::Json if behaviour.dressed_minus_one => r#""-1""#.to_owned(),
        Format::Xml if behaviour.dressed_minus_one => xml("feed", &Record::new([("entry_id", Cell::Integer(None))])),
        _ => "-1".to_owned(),
    }
}

/// What the proxy in front of the service shows when it has nothing else to show.
fn page(status: StatusCode) -> Answer {
    let title = format!("{} {}", status.as_str(), status.canonical_reason().unwrap_or("Unknown"));
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    Answer { status, content_type: "text/html", cacheable: false, body }
}
