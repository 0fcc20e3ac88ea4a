//! The elements that management frames carry (IEEE 802.11-2020 §9.4.2): an identifier, a length, and what it is.
//!
//! ```
//! use simulator_wlan::element::{self, Elements};
//!
//! let mut body = Vec::new();
//! element::push(&mut body, element::SSID, b"home");
//! assert_eq!(Elements(&body).find(element::SSID), Some(&b"home"[..]));
//! ```

use thiserror::Error;

/// The network's name.
pub const SSID: u8 = 0;
/// Up to eight rates.
pub const RATES: u8 = 1;
/// The channel.
pub const CHANNEL: u8 = 3;
/// For whom frames are kept.
pub const TIM: u8 = 5;
/// Whether old stations need protection.
pub const ERP: u8 = 42;
/// What the sender can do of 802.11n.
pub const HIGH_THROUGHPUT_CAPABILITIES: u8 = 45;
/// How the network is protected.
pub const RSN: u8 = 48;
/// The other rates.
pub const EXTENDED_RATES: u8 = 50;
/// How 802.11n is used in the network.
pub const HIGH_THROUGHPUT_OPERATION: u8 = 61;
/// What vendors say; WPA's own element among it.
pub const VENDOR: u8 = 221;

/// The elements behind the fixed fields of a body, in place. They end where one is not whole.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'b>(pub &'b [u8]);

impl<'b> Elements<'b> {
    /// What the first element of that identifier holds.
    pub fn find(self, id: u8) -> Option<&'b [u8]> {
        self.into_iter().find(|(its, _)| *its == id).map(|(_, content)| content)
    }
}

impl<'b> IntoIterator for Elements<'b> {
    type Item = (u8, &'b [u8]);
    type IntoIter = Iter<'b>;

    fn into_iter(self) -> Iter<'b> {
        Iter(self.0)
    }
}

/// Goes through elements: identifiers and what they hold.
#[derive(Clone, Debug)]
pub struct Iter<'b>(&'b [u8]);

impl<'b> Iterator for Iter<'b> {
    type Item = (u8, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [id, length, rest @ ..] = self.0 else { return None };
        let (content, rest) = rest.split_at_checked(usize::from(*length))?;
        self.0 = rest;
        Some((*id, content))
    }
}

/// Adds an element to a body. Of a content longer than 255 bytes only so many are taken.
pub fn push(body: &mut Vec<u8>, id: u8, content: &[u8]) {
    let content = &content[..content.len().min(255)];
    body.extend([id, content.len() as u8]);
    body.extend(content);
}

/// A cipher or key management suite: the standard's organisation identifier and a type.
pub type Suite = [u8; 4];

/// Encrypts with RC4 and a key of 104 bits.
pub const WEP: [Suite; 2] = [[0x00, 0x0F, 0xAC, 1], [0x00, 0x0F, 0xAC, 5]];
/// What hardware for WEP can do at most.
pub const TKIP: Suite = [0x00, 0x0F, 0xAC, 2];
/// AES.
pub const CCMP: Suite = [0x00, 0x0F, 0xAC, 4];
/// A pre-shared key.
pub const PSK: Suite = [0x00, 0x0F, 0xAC, 2];
/// Simultaneous authentication of equals: WPA3.
pub const SAE: Suite = [0x00, 0x0F, 0xAC, 8];
/// Protects management frames to groups: BIP with CMAC.
pub const BIP: Suite = [0x00, 0x0F, 0xAC, 6];

/// RSN capability: stations must protect management frames.
pub const MANAGEMENT_PROTECTION_REQUIRED: u16 = 1 << 6;
/// RSN capability: stations may protect management frames.
pub const MANAGEMENT_PROTECTION_CAPABLE: u16 = 1 << 7;

/// How a network is protected, or how a station wants it: the RSN element (§9.4.2.24).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rsn {
    /// What protects frames to groups.
    pub group: Suite,
    /// What may protect other frames.
    pub pairwise: Vec<Suite>,
    /// How keys may come about.
    pub key_management: Vec<Suite>,
    /// RSN capabilities.
    pub capabilities: u16,
}

/// Why a network's protection cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RsnError {
    /// The element is not whole, or of another version.
    #[error("the RSN element is malformed")]
    Malformed,
    /// It asks for TKIP.
    #[error("TKIP is modelled for an ESP8266's frames to groups only")]
    Tkip,
    /// It asks for WEP.
    #[error("WEP is not modelled: only CCMP is")]
    Wep,
    /// It asks for another cipher.
    #[error("the cipher suite is not modelled: only CCMP is")]
    Cipher,
    /// It asks for 802.1X, SAE or another way to come by keys.
    #[error("the key management is not modelled: only a pre-shared key (WPA2-PSK) is")]
    KeyManagement,
}

impl Rsn {
    /// WPA2 with a pre-shared key and CCMP.
    pub fn wpa2() -> Self {
        Self { group: CCMP, pairwise: vec![CCMP], key_management: vec![PSK], capabilities: 0 }
    }

    /// WPA2/WPA3 transition: a pre-shared key or SAE, and who can protects management frames.
    pub fn transition() -> Self {
        let (key_management, capabilities) = (vec![PSK, SAE], MANAGEMENT_PROTECTION_CAPABLE);
        Self { key_management, capabilities, ..Self::wpa2() }
    }

    /// WPA3: SAE, and protected management frames.
    pub fn wpa3() -> Self {
        let capabilities = MANAGEMENT_PROTECTION_CAPABLE | MANAGEMENT_PROTECTION_REQUIRED;
        Self { key_management: vec![SAE], capabilities, ..Self::wpa2() }
    }

    /// What the element of a body says; `None` if there is none.
    ///
    /// # Errors
    /// If the element is malformed.
    pub fn of(elements: Elements<'_>) -> Option<Result<Self, RsnError>> {
        elements.find(RSN).map(Self::parse)
    }

    /// Parses what an element holds. What is left out at its end has the standard's default; what follows the
    /// capabilities is not looked at.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn parse(content: &[u8]) -> Result<Self, RsnError> {
        let mut rsn = Self { group: CCMP, pairwise: vec![CCMP], key_management: Vec::new(), capabilities: 0 };
        let mut reader = Reader(content);
        if reader.half()? != 1 {
            return Err(RsnError::Malformed);
        }
        if reader.is_empty() {
            return Ok(rsn);
        }
        rsn.group = reader.suite()?;
        if reader.is_empty() {
            return Ok(rsn);
        }
        rsn.pairwise = reader.suites()?;
        if reader.is_empty() {
            return Ok(rsn);
        }
        rsn.key_management = reader.suites()?;
        if !reader.is_empty() {
            rsn.capabilities = reader.half()?;
        }
        Ok(rsn)
    }

    /// What the element holds.
    pub fn content(&self) -> Vec<u8> {
        let mut content = vec![1, 0];
        content.extend(self.group);
        for suites in [&self.pairwise, &self.key_management] {
            content.extend((suites.len() as u16).to_le_bytes());
            content.extend(suites.iter().flatten());
        }
        content.extend(self.capabilities.to_le_bytes());
        if self.capabilities & MANAGEMENT_PROTECTION_CAPABLE != 0 {
            // No keys from earlier, and what protects management frames to groups.
            content.extend([0, 0]);
            content.extend(BIP);
        }
        content
    }

    /// What WPA's element (that of the Wi-Fi Alliance from before RSN) of a network holds that takes stations of WPA
    /// with TKIP and a pre-shared key.
    pub fn wpa_element() -> Vec<u8> {
        const SUITE: Suite = [0x00, 0x50, 0xF2, 2];
        let mut content = vec![0x00, 0x50, 0xF2, 1];
        content.extend(
            Self { group: SUITE, pairwise: vec![SUITE], key_management: vec![SUITE], capabilities: 0 }.content(),
        );
        content.truncate(content.len() - 2);
        content
    }

    /// Whether it can be WPA2 with CCMP and a pre-shared key, and `group` for groups.
    ///
    /// # Errors
    /// If it cannot: in which way.
    pub fn check(&self, group: Suite) -> Result<(), RsnError> {
        if self.group == group { self.check_pair() } else { Err(refused(self.group)) }
    }

    /// The element of a station that joins the network that this is of: CCMP, and for groups what the network has.
    ///
    /// # Errors
    /// If it can have neither CCMP nor, for groups, TKIP, or no pre-shared key.
    pub fn answer(&self) -> Result<Self, RsnError> {
        self.check_pair()?;
        match self.group {
            CCMP | TKIP => Ok(Self { group: self.group, ..Self::wpa2() }),
            other => Err(refused(other)),
        }
    }

    fn check_pair(&self) -> Result<(), RsnError> {
        if !self.pairwise.contains(&CCMP) {
            return Err(self.pairwise.first().map_or(RsnError::Cipher, |first| refused(*first)));
        }
        if !self.key_management.contains(&PSK) {
            return Err(RsnError::KeyManagement);
        }
        Ok(())
    }
}

fn refused(suite: Suite) -> RsnError {
    match suite {
        TKIP => RsnError::Tkip,
        suite if WEP.contains(&suite) => RsnError::Wep,
        _ => RsnError::Cipher,
    }
}

/// Reads fields one after the other.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], RsnError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(RsnError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn half(&mut self) -> Result<u16, RsnError> {
        self.take().map(u16::from_le_bytes)
    }

    fn suite(&mut self) -> Result<Suite, RsnError> {
        self.take()
    }

    fn suites(&mut self) -> Result<Vec<Suite>, RsnError> {
        let count = self.half()?;
        (0..count).map(|_| self.suite()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_end_where_one_is_not_whole() {
        let mut body = Vec::new();
        push(&mut body, SSID, b"home");
        push(&mut body, CHANNEL, &[6]);
        body.extend([RSN, 20, 1, 0]);
        let seen: Vec<_> = Elements(&body).into_iter().map(|(id, content)| (id, content.len())).collect();
        assert_eq!(seen, [(SSID, 4), (CHANNEL, 1)]);
        assert_eq!(Elements(&body).find(RSN), None);
    }

    #[test]
    fn wpa2_is_what_access_points_say() {
        let content = [1, 0, 0, 0x0F, 0xAC, 4, 1, 0, 0, 0x0F, 0xAC, 4, 1, 0, 0, 0x0F, 0xAC, 2, 0, 0];
        assert_eq!(Rsn::wpa2().content(), content);
        assert_eq!(Rsn::parse(&content), Ok(Rsn::wpa2()));
        assert_eq!(Rsn::wpa2().check(CCMP), Ok(()));
        assert_eq!(Rsn::parse(&content[..18]).map(|rsn| rsn.check(CCMP)), Ok(Ok(())), "capabilities may be left out");
        for length in [0, 1, 3, 7, 9, 15, 17] {
            assert_eq!(Rsn::parse(&content[..length]), Err(RsnError::Malformed), "{length}");
        }
    }

    #[test]
    fn newer_networks_say_what_they_want_of_management_frames() {
        let transition = Rsn::transition().content();
        let capabilities_and_on = [0x80, 0, 0, 0, 0x00, 0x0F, 0xAC, 6];
        assert_eq!(transition[12..], [&[2, 0][..], &PSK, &SAE, &capabilities_and_on].concat());
        assert_eq!(Rsn::parse(&transition), Ok(Rsn::transition()));
        assert_eq!(Rsn::transition().answer(), Ok(Rsn::wpa2()));
        assert_eq!(Rsn::parse(&Rsn::wpa3().content()), Ok(Rsn::wpa3()));
        assert_eq!(Rsn::wpa3().capabilities, 0xC0);
        assert_eq!(Rsn::wpa3().answer(), Err(RsnError::KeyManagement));
    }

    #[test]
    fn what_is_not_modelled_is_refused_in_words() {
        let with = |group, pairwise, key_management| {
            Rsn { group, pairwise: vec![pairwise], key_management: vec![key_management], capabilities: 0 }.check(CCMP)
        };
        assert_eq!(with(TKIP, CCMP, PSK), Err(RsnError::Tkip));
        assert_eq!(with(CCMP, TKIP, PSK), Err(RsnError::Tkip));
        assert_eq!(with(WEP[1], WEP[1], PSK), Err(RsnError::Wep));
        assert_eq!(with(CCMP, CCMP, SAE), Err(RsnError::KeyManagement));
        assert_eq!(Rsn { group: TKIP, ..Rsn::wpa2() }.check(TKIP), Ok(()));
        assert_eq!(Rsn::wpa2().check(TKIP), Err(RsnError::Cipher));
        assert_eq!(RsnError::Wep.to_string(), "WEP is not modelled: only CCMP is");
    }

    #[test]
    fn a_station_answers_with_what_the_network_has_for_groups() {
        let mixed = Rsn { group: TKIP, pairwise: vec![TKIP, CCMP], ..Rsn::wpa2() };
        assert_eq!(mixed.answer(), Ok(Rsn { group: TKIP, ..Rsn::wpa2() }));
        assert_eq!(Rsn::wpa2().answer(), Ok(Rsn::wpa2()));
        let old = Rsn { group: TKIP, pairwise: vec![TKIP], ..Rsn::wpa2() };
        assert_eq!(old.answer(), Err(RsnError::Tkip));
        assert_eq!(Rsn { group: WEP[0], ..Rsn::wpa2() }.answer(), Err(RsnError::Wep));
    }
}
