//! What an access point says of itself (IEEE 802.11-2020 §9.3.3.2): name, rates, channel, protection, and for whom it
//! keeps frames.
//!
//! It has no WMM elements and agrees to no block acknowledgements, so that stations aggregate nothing; of 802.11n
//! (§9.4.2.55, §9.4.2.56) it has one stream of 20 MHz.

use simulator_wlan::element::{self, Elements, Rsn, TKIP};
use simulator_wlan::management::{CAPABILITY_ESS, CAPABILITY_PRIVACY, CAPABILITY_SHORT_SLOT};

use super::super::access_point::{AccessPointConfig, RadioMode, Security};

/// 1, 2, 5.5 and 11 Mbit/s, which all must be able to, in units of 500 kbit/s.
const OLD_RATES: [u8; 4] = [0x82, 0x84, 0x8B, 0x96];
/// The same, and 6, 9, 12 and 18 Mbit/s.
const RATES: [u8; 8] = [0x82, 0x84, 0x8B, 0x96, 0x0C, 0x12, 0x18, 0x24];
/// 24, 36, 48 and 54 Mbit/s.
const EXTENDED_RATES: [u8; 4] = [0x30, 0x48, 0x60, 0x6C];
/// Among the rates, as one that all must be able to: who cannot do 802.11n must not join (§9.4.2.3).
const ONLY_HIGH_THROUGHPUT: u8 = 0x80 | 127;
/// Behind each beacon, not only behind each second or third, frames to groups are sent: as most routers come.
const DTIM_PERIOD: u8 = 1;

/// Capability information.
pub(super) fn capability(config: &AccessPointConfig) -> u16 {
    let privacy = if config.security == Security::Open { 0 } else { CAPABILITY_PRIVACY };
    let short_slot = if config.features.mode == RadioMode::B { 0 } else { CAPABILITY_SHORT_SLOT };
    CAPABILITY_ESS | short_slot | privacy
}

pub(super) fn is_protected(config: &AccessPointConfig) -> bool {
    config.security.passphrase().is_some()
}

/// The rates that fit into the first element, and the others.
fn push_rates(elements: &mut Vec<u8>, mode: RadioMode) {
    match mode {
        RadioMode::B => element::push(elements, element::RATES, &OLD_RATES),
        RadioMode::G | RadioMode::N | RadioMode::NOnly => element::push(elements, element::RATES, &RATES),
    }
}

fn push_extended_rates(elements: &mut Vec<u8>, mode: RadioMode) {
    match mode {
        RadioMode::B => {}
        RadioMode::G | RadioMode::N => element::push(elements, element::EXTENDED_RATES, &EXTENDED_RATES),
        RadioMode::NOnly => {
            let rates = [&EXTENDED_RATES[..], &[ONLY_HIGH_THROUGHPUT]].concat();
            element::push(elements, element::EXTENDED_RATES, &rates);
        }
    }
}

/// What of 802.11n there is: MCS 0 to 7, no power save of streams; the network's channel, and nothing to heed.
fn push_high_throughput(elements: &mut Vec<u8>, config: &AccessPointConfig) {
    if config.features.mode.has_high_throughput() {
        let mut capabilities = [0; 26];
        (capabilities[0], capabilities[3]) = (0x0C, 0xFF);
        element::push(elements, element::HIGH_THROUGHPUT_CAPABILITIES, &capabilities);
        let mut operation = [0; 22];
        operation[0] = config.channel;
        element::push(elements, element::HIGH_THROUGHPUT_OPERATION, &operation);
    }
}

/// The elements of beacons (with a traffic indication map) and probe responses (without).
pub(super) fn elements(config: &AccessPointConfig, tim: Option<&[u8]>) -> Vec<u8> {
    let mut elements = Vec::new();
    let mode = config.features.mode;
    // A hidden name is told to who asks for it only.
    let name = if tim.is_some() && config.features.is_hidden { "" } else { &config.name };
    element::push(&mut elements, element::SSID, name.as_bytes());
    push_rates(&mut elements, mode);
    element::push(&mut elements, element::CHANNEL, &[config.channel]);
    if let Some(tim) = tim {
        element::push(&mut elements, element::TIM, tim);
    }
    if mode != RadioMode::B {
        element::push(&mut elements, element::ERP, &[0]);
    }
    elements.extend(rsn(config));
    push_extended_rates(&mut elements, mode);
    push_high_throughput(&mut elements, config);
    if matches!(config.security, Security::Mixed(_) | Security::Wpa(_)) {
        element::push(&mut elements, element::VENDOR, &Rsn::wpa_element());
    }
    elements
}

/// The elements of association responses.
pub(super) fn association_elements(config: &AccessPointConfig) -> Vec<u8> {
    let mut elements = Vec::new();
    push_rates(&mut elements, config.features.mode);
    push_extended_rates(&mut elements, config.features.mode);
    push_high_throughput(&mut elements, config);
    elements
}

/// The whole RSN element of a protected network.
pub(super) fn rsn(config: &AccessPointConfig) -> Vec<u8> {
    let mut elements = Vec::new();
    let offered = match config.security {
        Security::Open | Security::Wep | Security::Wpa(_) => return elements,
        Security::Wpa2(_) => Rsn::wpa2(),
        Security::Transition(_) => Rsn::transition(),
        Security::Wpa3(_) => Rsn::wpa3(),
        Security::Mixed(_) => Rsn { group: TKIP, ..Rsn::wpa2() },
    };
    element::push(&mut elements, element::RSN, &offered.content());
    elements
}

/// A name in a station's request: whether it means the network; no name means all that do not hide theirs.
pub(super) fn means(config: &AccessPointConfig, elements: Elements<'_>) -> bool {
    let asks_all = |name: &[u8]| name.is_empty() && !config.features.is_hidden;
    elements.find(element::SSID).is_some_and(|name| asks_all(name) || name == config.name.as_bytes())
}

/// The traffic indication map (§9.4.2.5) of a beacon that is a DTIM: whether frames to groups are kept, and the
/// association identifiers of stations for which frames are kept.
pub(super) fn tim(group: bool, kept_for: impl Iterator<Item = u16>) -> Vec<u8> {
    let mut bitmap = [0_u8; 251];
    let (mut first, mut last) = (None, 0);
    for id in kept_for {
        let byte = usize::from(id / 8).min(bitmap.len() - 1);
        bitmap[byte] |= 1 << (id % 8);
        first = Some(first.map_or(byte, |first: usize| first.min(byte)));
        last = last.max(byte);
    }
    // The map begins at an even byte, whose number stands in the upper bits of the control byte.
    let offset = first.unwrap_or(0) & !1;
    let control = offset as u8 | u8::from(group);
    let mut tim = vec![0, DTIM_PERIOD, control];
    tim.extend(&bitmap[offset..=last.max(offset)]);
    tim
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_has_the_bits_of_those_for_whom_frames_are_kept() {
        assert_eq!(tim(false, [].into_iter()), [0, 1, 0, 0]);
        assert_eq!(tim(true, [1].into_iter()), [0, 1, 1, 0b10]);
        assert_eq!(tim(false, [1, 9].into_iter()), [0, 1, 0, 0b10, 0b10]);
        // From byte 2 on: identifier 24 is bit 0 of byte 3.
        assert_eq!(tim(false, [24].into_iter()), [0, 1, 2, 0, 1]);
    }
}
