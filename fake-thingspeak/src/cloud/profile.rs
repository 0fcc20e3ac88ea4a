//! What changed over the years, in one table.
//!
//! [`Behaviour`] has a row for everything in which the service of one time differs from that of another. `DOCS` is the
//! whole row; each other profile names what it does otherwise. Where a profile has no source for something, it does as
//! the documentation says, and where that is silent too, as the open-source server of 2015.

use std::fmt;
use std::str::FromStr;

use time::Duration;

/// The service as it was at some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// As its documentation has it: a write with a wrong key is 401 `error_auth_required`.
    #[default]
    Docs,
    /// As recorded in 2017–2019: a write with a wrong key is 400 with the body `0`, the entry in a reply begins with
    /// its fields, replies come in chunks, and a read without parameters shows entries of any age.
    Recorded2019,
    /// As the open-source server of 2015: several entries may have the same `created_at`, some parameters lift the 15 s
    /// rule, and a refused read of a single entry is 200 with `-1`.
    OpenSource2015,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 3] = [Self::Docs, Self::Recorded2019, Self::OpenSource2015];

    /// The name on a command line: `docs`, `recorded-2019`, `open-source-2015`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docs => "docs",
            Self::Recorded2019 => "recorded-2019",
            Self::OpenSource2015 => "open-source-2015",
        }
    }

    pub(super) fn behaviour(self) -> &'static Behaviour {
        match self {
            Self::Docs => &DOCS,
            Self::Recorded2019 => &RECORDED_2019,
            Self::OpenSource2015 => &OPEN_SOURCE_2015,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no profile's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no profile is called {0:?}; there are docs, recorded-2019 and open-source-2015")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        Self::ALL.into_iter().find(|profile| profile.name() == name).ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

/// How the service behaves where its behaviour depends on the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behaviour {
    /// A write with a wrong key is 400 `0`, not 401.
    pub(super) zero_for_a_wrong_key: bool,
    /// Reads of one entry (`last`, an entry by its number) that are refused are 200, not 400.
    pub(super) refusals_of_one_entry_are_ok: bool,
    /// `-1` for one entry is a text in JSON and an empty entry in XML, not bare.
    pub(super) dressed_minus_one: bool,
    /// A wrong user key is told in the manner of the login page, not in that of the API.
    pub(super) login_refusal: bool,
    /// Errors in XML stand in a `hash` beside their status.
    pub(super) errors_in_a_hash: bool,
    /// The details of 401 `error_auth_required`.
    pub(super) details_of_401: &'static str,
    /// The names in an update's reply, by how they begin.
    pub(super) order_of_an_entry: [&'static str; 7],
    /// How far a read goes back that says nothing of it.
    pub(super) window: Option<Duration>,
    /// `minutes` lifts the limit of 100 rows, as `days` does.
    pub(super) minutes_lift_the_row_limit: bool,
    /// The latitude and longitude that a channel without a place shows.
    pub(super) nowhere: Option<&'static str>,
    /// Anyone may look at the description of a private channel.
    pub(super) private_channels_are_described: bool,
    /// The longest update in bytes, query and body.
    pub(super) message: usize,
    /// A second entry with the same `created_at` is refused.
    pub(super) times_are_unique: bool,
    /// Parameters that lift the 15 s rule.
    pub(super) lifting_the_rate_limit: &'static [&'static str],
    /// Headers that every reply has.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// `Status` repeats the status line.
    pub(super) status_header: bool,
    /// Good replies have an `ETag`, and `If-None-Match` is heeded.
    pub(super) etag: bool,
    /// A POST sets the cookie of Rails' UJS.
    pub(super) cookie: bool,
    /// Replies come in chunks.
    pub(super) chunked: bool,
    /// `X-Request-Id` has the form of a UUID.
    pub(super) request_id_is_a_uuid: bool,
}

/// MathWorks' documentation.
const DOCS: Behaviour = Behaviour {
    zero_for_a_wrong_key: false,
    refusals_of_one_entry_are_ok: false,
    dressed_minus_one: false,
    login_refusal: false,
    errors_in_a_hash: false,
    details_of_401: "Please make sure that your API key is correct.",
    order_of_an_entry: ["created_at", "entry_id", "field", "latitude", "longitude", "elevation", "status"],
    window: Some(Duration::DAY),
    minutes_lift_the_row_limit: true,
    nowhere: Some("0.0"),
    private_channels_are_described: false,
    message: 3_000,
    times_are_unique: true,
    lifting_the_rate_limit: &[],
    headers: &[],
    status_header: false,
    etag: false,
    cookie: false,
    chunked: false,
    request_id_is_a_uuid: false,
};

/// Recorded on 2017-02-11 and 2019-02-20.
const RECORDED_2019: Behaviour = Behaviour {
    zero_for_a_wrong_key: true,
    login_refusal: true,
    order_of_an_entry: RAILS_ORDER,
    window: None,
    headers: &[
        ("x-frame-options", "SAMEORIGIN"),
        ("server", "nginx/1.9.3 + Phusion Passenger 4.0.57"),
        ("x-powered-by", "Phusion Passenger 4.0.57"),
    ],
    status_header: true,
    etag: true,
    cookie: true,
    chunked: true,
    request_id_is_a_uuid: true,
    ..DOCS
};

/// iobridge/thingspeak, its last version of 2015.
const OPEN_SOURCE_2015: Behaviour = Behaviour {
    zero_for_a_wrong_key: true,
    refusals_of_one_entry_are_ok: true,
    dressed_minus_one: true,
    login_refusal: true,
    errors_in_a_hash: true,
    details_of_401: "Please provide proper authentication details.",
    order_of_an_entry: RAILS_ORDER,
    minutes_lift_the_row_limit: false,
    nowhere: None,
    private_channels_are_described: true,
    message: usize::MAX,
    times_are_unique: false,
    lifting_the_rate_limit: &["talkback_key", "tstream"],
    headers: &[("x-frame-options", "SAMEORIGIN")],
    etag: true,
    cookie: true,
    request_id_is_a_uuid: true,
    ..DOCS
};

/// The columns of the table of entries.
const RAILS_ORDER: [&str; 7] = ["field", "created_at", "entry_id", "status", "latitude", "longitude", "elevation"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_by_its_name() {
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        assert!("2019".parse::<Profile>().unwrap_err().to_string().contains("open-source-2015"));
    }
}
