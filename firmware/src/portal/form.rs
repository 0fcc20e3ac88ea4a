//! What a browser posts: `application/x-www-form-urlencoded` (WHATWG URL §5.1), decoded where it lies.
//!
//! Stricter than browsers need: a `%` without two hexadecimal digits, or bytes that are not UTF-8, make the whole body
//! unusable, for guessing would store a passphrase that nobody typed: `%E9` is an é in Latin-1, and something else in
//! other encodings. Unknown names are ignored; of a name that comes twice the last counts.

use crate::settings::{Field, FieldError, FieldErrors, Fields, Settings};

/// Not a form that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Half a percent sign.
    Malformed,
    /// In another encoding than the page says.
    NotUtf8,
}

/// The fields of a posted form, decoded.
#[derive(Default)]
pub(super) struct Form<'b> {
    pub(super) values: [Option<&'b str>; Field::ALL.len()],
}

/// Fields that must be there, even if empty: a form that was cut short must not turn a network into an open one.
const REQUIRED: [Field; 3] = [Field::Network, Field::Passphrase, Field::WriteKey];

impl<'b> Form<'b> {
    /// Decodes a body in place.
    pub(super) fn decode(body: &'b mut [u8]) -> Result<Self, Unreadable> {
        let mut form = Self::default();
        for pair in body.split_mut(|&byte| byte == b'&') {
            let middle = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at_mut(middle);
            let name = decode(name)?;
            let value = decode(value.get_mut(1..).unwrap_or_default())?;
            if let Some(field) = Field::from_name(name.as_bytes()) {
                form.values[field as usize] = Some(value);
            }
        }
        Ok(form)
    }

    /// The fields as entered; a field of the advanced part that is not there has the value of a new duck.
    pub(super) fn fields(&self) -> Fields<'b> {
        let mut fields = Fields::default();
        for field in Field::ALL {
            if let Some(value) = self.values[field as usize] {
                fields.set(field, value);
            }
        }
        fields
    }

    /// The settings, if every field is right.
    pub(super) fn settings(&self) -> Result<Settings, FieldErrors> {
        let parsed = Settings::parse(&self.fields());
        let mut missing = REQUIRED.into_iter().filter(|&field| self.values[field as usize].is_none()).peekable();
        if missing.peek().is_none() {
            return parsed;
        }
        let mut errors = parsed.err().unwrap_or_default();
        missing.for_each(|field| errors.set(field, FieldError::Missing));
        Err(errors)
    }
}

/// Undoes plus and percent encoding in place.
fn decode(bytes: &mut [u8]) -> Result<&str, Unreadable> {
    let (mut read, mut written) = (0, 0);
    while let Some(&byte) = bytes.get(read) {
        bytes[written] = match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16)?.try_into().ok();
                let (high, low): (u8, u8) = digit(read + 1).zip(digit(read + 2)).ok_or(Unreadable::Malformed)?;
                read += 2;
                high << 4 | low
            }
            other => other,
        };
        read += 1;
        written += 1;
    }
    core::str::from_utf8(&bytes[..written]).map_err(|_| Unreadable::NotUtf8)
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use proptest::prelude::*;

    use super::*;

    /// As a browser encodes (WHATWG URL §5.2).
    fn encode(words: &str) -> String {
        words.bytes().fold(String::new(), |encoded, byte| match byte {
            b' ' => encoded + "+",
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                encoded + &String::from(byte as char)
            }
            _ => encoded + &std::format!("%{byte:02X}"),
        })
    }

    fn fields_of(body: &str) -> Result<(String, String, String), Unreadable> {
        let mut body = body.as_bytes().to_vec();
        let fields = Form::decode(&mut body)?.fields();
        Ok((fields.network.into(), fields.passphrase.into(), fields.host.into()))
    }

    #[test]
    fn plus_percent_and_utf8_are_decoded() {
        let (network, passphrase, host) =
            fields_of("network=M%C3%BCller+%26+S%c3%b6hne&passphrase=%25%2B%3D%2F+%26&other=1&").unwrap();
        assert_eq!((&*network, &*passphrase, &*host), ("Müller & Söhne", "%+=/ &", "api.thingspeak.com"));
    }

    #[test]
    fn a_value_may_contain_equals_signs_and_a_name_may_be_encoded() {
        assert_eq!(fields_of("n%65twork=a=b==").unwrap().0, "a=b==");
        assert_eq!(fields_of("network=first&network=last").unwrap().0, "last");
        assert_eq!(fields_of("network").unwrap().0, "");
    }

    #[test]
    fn half_a_percent_sign_is_malformed_and_other_encodings_are_told() {
        for body in ["network=%", "network=%4", "network=%zz", "%=", "network=100%&host=x"] {
            assert_eq!(fields_of(body), Err(Unreadable::Malformed), "{body}");
        }
        for body in ["network=%C3", "network=Caf%E9", "network=a&passphrase=%FF%FEa%00"] {
            assert_eq!(fields_of(body), Err(Unreadable::NotUtf8), "{body}");
        }
    }

    #[test]
    fn a_form_cut_short_does_not_open_a_network() {
        let mut body = *b"network=home&write-key=0123456789ABCDEF";
        let errors = Form::decode(&mut body).unwrap().settings().unwrap_err();
        assert_eq!(errors.iter().collect::<std::vec::Vec<_>>(), [(Field::Passphrase, FieldError::Missing)]);
        let mut body = *b"network=home&passphrase=&write-key=0123456789ABCDEF";
        assert_eq!(Form::decode(&mut body).unwrap().settings().unwrap().passphrase(), "");
    }

    proptest! {
        #[test]
        fn what_a_browser_encodes_is_decoded(network: String, passphrase: String, host in ".{0,80}") {
            let body = std::format!(
                "network={}&passphrase={}&host={}", encode(&network), encode(&passphrase), encode(&host)
            );
            prop_assert_eq!(fields_of(&body), Ok((network, passphrase, host)));
        }

        #[test]
        fn no_body_is_too_strange(mut body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Form::decode(&mut body).map(|form| form.settings());
        }

        #[test]
        fn no_text_is_too_strange(body in "[a-z=&%+0-9]{0,60}") {
            let _ = Form::decode(&mut body.into_bytes()).map(|form| form.settings());
        }
    }
}
