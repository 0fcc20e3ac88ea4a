//! ThingSpeak's errors: status, code, and the body in the format that was asked for (MathWorks, "Error Codes").

use http::StatusCode;

use super::render::{Answer, Cell, Record, json, xml};
use super::route::Format;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    BadRequest,
    AuthorizationRequired,
    NotFound,
    MethodInvalid,
    Conflict,
    TooLarge,
    InvalidByteSequence,
    TooManyRequests,
    /// A write that comes too soon after the last one.
    TooSoon,
    /// A write with a key that opens nothing.
    WriteRefused,
    /// A read of a channel that the key does not open.
    ReadRefused,
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
            Self::NotFound,
            Self::MethodInvalid,
            Self::Conflict,
            Self::TooLarge,
            Self::InvalidByteSequence,
            Self::TooManyRequests,
        ];
        documented.into_iter().find(|failure| failure.status() == status).unwrap_or_else(|| {
            let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
            Self::Status(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        })
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::ReadRefused => StatusCode::BAD_REQUEST,
            Self::AuthorizationRequired | Self::WriteRefused => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodInvalid => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidByteSequence => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::TooSoon => StatusCode::OK,
            Self::Status(status) => status,
        }
    }

    fn words(self) -> Option<Words> {
        let (code, message, details) = match self {
            Self::BadRequest => {
                ("error_bad_request", "Bad Request", "The request cannot be fulfilled due to bad syntax.")
            }
            Self::AuthorizationRequired | Self::WriteRefused => {
                ("error_auth_required", "Authorization Required", "Please make sure that your API key is correct.")
            }
            Self::NotFound => (
                "error_resource_not_found",
                "Resource Not Found",
                "The requested resource was not found. Please check the URL and try again.",
            ),
            Self::MethodInvalid => {
                ("error_method_invalid", "Method Invalid", "The HTTP method is invalid. Please use another one.")
            }
            Self::Conflict => ("error_conflict", "Conflict", "The channel already has an entry with this created_at."),
            Self::TooLarge => ("error_request_too_large", "Request Too Large", "Please send less in one request."),
            Self::InvalidByteSequence => {
                ("error_invalid_byte_sequence", "Invalid Byte Sequence", "Please send valid UTF-8.")
            }
            Self::TooManyRequests => {
                ("error_too_many_requests", "Too Many Requests", "Please wait before making another request.")
            }
            Self::TooSoon | Self::ReadRefused | Self::Status(_) => return None,
        };
        Some(Words { code, message, details })
    }

    /// The reply in `format`.
    pub(super) fn answer(self, format: Format) -> Answer {
        let status = self.status();
        let body = match (self, self.words()) {
            (Self::TooSoon, _) => "0".to_owned(),
            (Self::ReadRefused, _) => "-1".to_owned(),
            (Self::Status(status), _) => return page(status),
            (_, Some(words)) => match format {
                Format::Json => json(&Record::new([
                    ("status", Cell::text(status.as_str())),
                    ("error", Cell::Record(words.record())),
                ])),
                Format::Xml => xml("error", &words.record()),
                Format::Text | Format::Csv | Format::Unspecified => words.code.to_owned(),
            },
            (_, None) => String::new(),
        };
        Answer { status, content_type: format.content_type(), cacheable: false, body }
    }
}

impl Words {
    fn record(&self) -> Record {
        Record::new([
            ("error_code", Cell::text(self.code)),
            ("message", Cell::text(self.message)),
            ("details", Cell::text(self.details)),
        ])
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
