use std::string::String;

use proptest::prelude::*;

use super::*;

fn good() -> Fields<'static> {
    Fields { network: "home", passphrase: "correct horse", write_key: "0123456789ABCDEF", ..Fields::default() }
}

fn error(field: Field, words: &str) -> Option<FieldError> {
    let mut fields = good();
    fields.set(field, words);
    match Settings::parse(&fields) {
        Ok(_) => None,
        Err(errors) => {
            assert_eq!(errors.iter().count(), 1, "only {field:?} may be wrong: {errors}");
            errors.get(field)
        }
    }
}

#[test]
fn a_new_duck_reports_to_thingspeak_every_five_minutes() {
    let settings = Settings::parse(&good()).unwrap();
    assert_eq!((settings.host(), settings.port(), settings.tls()), ("api.thingspeak.com", 443, true));
    assert_eq!((settings.interval(), settings.sensor()), (300, SensorKind::Dht22));
    assert_eq!(settings.trusted_issuer(), TrustedIssuer::DigiCert);
    assert_eq!(settings.security(), Security::Wpa2("correct horse"));
}

#[test]
fn network_names_are_1_to_32_bytes() {
    assert_eq!(error(Field::Network, ""), Some(FieldError::Empty));
    assert_eq!(error(Field::Network, " "), None);
    assert_eq!(error(Field::Network, "Müller & Söhne / 2. OG"), None);
    assert_eq!(error(Field::Network, &"é".repeat(16)), None);
    assert_eq!(error(Field::Network, &"é".repeat(17)), Some(FieldError::NameTooLong));
    assert_eq!(error(Field::Network, "a\nb"), Some(FieldError::ControlCharacter));
}

#[test]
fn passphrases_are_what_wpa2_allows() {
    assert_eq!(error(Field::Passphrase, ""), None);
    assert_eq!(error(Field::Passphrase, "1234567"), Some(FieldError::Passphrase));
    assert_eq!(error(Field::Passphrase, "&%+ =/?#"), None);
    assert_eq!(error(Field::Passphrase, &"x".repeat(63)), None);
    assert_eq!(error(Field::Passphrase, &"x".repeat(64)), Some(FieldError::Passphrase));
    assert_eq!(error(Field::Passphrase, &"aF".repeat(32)), None);
    assert_eq!(error(Field::Passphrase, &"é".repeat(31)), None);
    assert_eq!(error(Field::Passphrase, &"é".repeat(32)), Some(FieldError::Passphrase));
    assert_eq!(error(Field::Passphrase, "tab\tinside"), Some(FieldError::ControlCharacter));
}

#[test]
fn an_empty_passphrase_is_an_open_network() {
    let settings = Settings::parse(&Fields { passphrase: "", ..good() }).unwrap();
    assert_eq!(settings.security(), Security::Open);
}

#[test]
fn keys_hosts_and_ports_may_be_pasted_with_spaces_around() {
    assert_eq!(error(Field::WriteKey, " 0123456789ABCDEF\r\n"), None);
    assert_eq!(error(Field::WriteKey, "0123456789abcdef"), Some(FieldError::WriteKey));
    assert_eq!(error(Field::WriteKey, "0123456789ABCDE"), Some(FieldError::WriteKey));
    assert_eq!(error(Field::Host, " 192.168.1.10 "), None);
    for wrong in ["https://x.org", "a..b", "-a.org", "a b", "a:443", &"a.".repeat(33)] {
        assert_eq!(error(Field::Host, wrong), Some(FieldError::Host), "{wrong}");
    }
    assert_eq!(error(Field::Port, " 8443 "), None);
    for wrong in ["0", "65536", "", "-1", "+80", "http", "99999999999"] {
        assert_eq!(error(Field::Port, wrong), Some(FieldError::Port), "{wrong}");
    }
}

#[test]
fn intervals_are_15_seconds_to_a_day() {
    for (words, expected) in [("14", true), ("15", false), ("86400", false), ("86401", true), ("5m", true)] {
        assert_eq!(error(Field::Interval, words).is_some(), expected, "{words}");
    }
}

#[test]
fn issuers_are_digicert_or_a_fingerprint_with_or_without_colons() {
    let plain = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff";
    let colons: String = plain.as_bytes().chunks(2).map(|pair| std::format!("{}:", pair.escape_ascii())).collect();
    let parse = |words| Settings::parse(&Fields { trusted_issuer: words, ..good() }).map(|s| s.trusted_issuer());
    assert_eq!(parse("DigiCert"), Ok(TrustedIssuer::DigiCert));
    assert_eq!(parse(plain), parse(colons.trim_end_matches(':')));
    assert!(matches!(parse(plain), Ok(TrustedIssuer::Fingerprint([0x00, 0x11, .., 0xff]))));
    for wrong in ["", &plain[1..], &std::format!("{plain}0"), "verisign", &"é".repeat(32)] {
        assert_eq!(error(Field::TrustedIssuer, wrong), Some(FieldError::TrustedIssuer), "{wrong}");
    }
}

#[test]
fn every_wrong_field_is_named() {
    let fields = Fields { network: "", port: "0", sensor: "thermometer", ..good() };
    let errors = Settings::parse(&fields).unwrap_err();
    assert_eq!(
        std::format!("{errors}"),
        "network must not be empty, port must be a number from 1 to 65535, sensor must be DHT22 or DHT11"
    );
}

#[test]
fn nothing_that_prints_settings_prints_a_secret() {
    let settings = Settings::parse(&good()).unwrap();
    let mut printed = std::format!("{settings:?}");
    for field in Field::ALL {
        settings.write_field(field, &mut printed).unwrap();
    }
    assert!(!printed.contains("horse") && !printed.contains("ABCDEF"), "{printed}");
}

proptest! {
    #[test]
    fn parsing_never_panics_and_what_is_written_parses_again(words in "\\PC{0,70}", which in 0usize..9) {
        let field = Field::ALL[which];
        let mut fields = good();
        fields.set(field, &words);
        if let Ok(settings) = Settings::parse(&fields) {
            let mut written = String::new();
            settings.write_field(field, &mut written).unwrap();
            if !matches!(field, Field::Passphrase | Field::WriteKey) {
                fields.set(field, &written);
            }
            prop_assert_eq!(Settings::parse(&fields), Ok(settings));
        }
    }
}
