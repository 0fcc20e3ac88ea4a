//! What an access point says of itself (IEEE 802.11-2020 §9.3.3.2): name, rates, channel, protection, and for whom it
//! keeps frames.
//!
//! It is an access point of 802.11b/g: no HT and no WMM elements, so that stations aggregate nothing.

use simulator_wlan::element::{self, Elements, Rsn};
use simulator_wlan::management::{CAPABILITY_ESS, CAPABILITY_PRIVACY, CAPABILITY_SHORT_SLOT};

use super::super::access_point::{AccessPointConfig, Security};

/// 1, 2, 5.5 and 11 Mbit/s, which all must be able to, and 6, 9, 12 and 18 Mbit/s, in units of 500 kbit/s.
const RATES: [u8; 8] = [0x82, 0x84, 0x8B, 0x96, 0x0C, 0x12, 0x18, 0x24];
/// 24, 36, 48 and 54 Mbit/s.
const EXTENDED_RATES: [u8; 4] = [0x30, 0x48, 0x60, 0x6C];
/// Behind each beacon, not only behind each second or third, frames to groups are sent: as most routers come.
const DTIM_PERIOD: u8 = 1;

/// Capability information.
pub(super) fn capability(config: &AccessPointConfig) -> u16 {
    let privacy = if is_protected(config) { CAPABILITY_PRIVACY } else { 0 };
    CAPABILITY_ESS | CAPABILITY_SHORT_SLOT | privacy
}

pub(super) fn is_protected(config: &AccessPointConfig) -> bool {
    matches!(config.security, Security::Wpa2(_))
}

/// The elements of beacons (with a traffic indication map) and probe responses (without).
pub(super) fn elements(config: &AccessPointConfig, tim: Option<&[u8]>) -> Vec<u8> {
    let mut elements = Vec::new();
    element::push(&mut elements, element::SSID, config.name.as_bytes());
    element::push(&mut elements, element::RATES, &RATES);
    element::push(&mut elements, element::CHANNEL, &[config.channel]);
    if let Some(tim) = tim {
        element::push(&mut elements, element::TIM, tim);
    }
    element::push(&mut elements, element::ERP, &[0]);
    elements.extend(rsn(config));
    element::push(&mut elements, element::EXTENDED_RATES, &EXTENDED_RATES);
    elements
}

/// The elements of association responses.
pub(super) fn association_elements() -> Vec<u8> {
    let mut elements = Vec::new();
    element::push(&mut elements, element::RATES, &RATES);
    element::push(&mut elements, element::EXTENDED_RATES, &EXTENDED_RATES);
    elements
}

/// The whole RSN element of a protected network.
pub(super) fn rsn(config: &AccessPointConfig) -> Vec<u8> {
    let mut elements = Vec::new();
    if is_protected(config) {
        element::push(&mut elements, element::RSN, &Rsn::wpa2().content());
    }
    elements
}

/// A name in a station's request: whether it means the network; no name means all.
pub(super) fn means(config: &AccessPointConfig, elements: Elements<'_>) -> bool {
    elements.find(element::SSID).is_some_and(|name| name.is_empty() || name == config.name.as_bytes())
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
