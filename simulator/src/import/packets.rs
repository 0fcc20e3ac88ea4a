//! A capture of the network (pcap, pcapng): on Ethernet or on the air, as far as it is not encrypted there.
//!
//! What is taken from it is how the network treated the device: access points (beacons, deauthentications), DHCP,
//! DNS, NTP, and whether connections to the cloud came about. What was answered in order is how the simulated network
//! is anyway; what was not becomes a fault, from the first question that went wrong to the next that did not. Of
//! several clients one is the device: the one that was asked for, or that asks most. Where all is encrypted, only the
//! one that was asked for is known, by its hardware address.

mod asked;
mod frames;
mod talk;

use std::io::Cursor;

use pcap_parser::pcapng::Block;
use pcap_parser::{Linktype, PcapBlockOwned, PcapError, create_reader};

use super::evidence::{Evidence, SECOND, Time};
use super::stamp::LATEST;

/// Whether bytes are a capture.
pub(super) fn is_capture(bytes: &[u8]) -> bool {
    let magic = bytes.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes));
    matches!(magic, Some(0x0A0D_0D0A | 0xA1B2_C3D4 | 0xD4C3_B2A1 | 0xA1B2_3C4D | 0x4D3C_B2A1))
}

/// Reads a capture.
pub(super) fn read(file: &str, bytes: &[u8], device: Option<[u8; 6]>) -> Result<Evidence, String> {
    let mut evidence = Evidence::new(file, "a capture of the network");
    evidence.calendar = true;
    let mut talk = talk::Talk::new(file);
    let mut number = 0u64;
    each(bytes, &mut |at, link, data| {
        number += 1;
        if !(0..=LATEST).contains(&at) {
            return Err("its time is not between 1970 and 2200".to_owned());
        }
        evidence.reach(at);
        frames::look(at, number, link, data, &mut talk);
        Ok(())
    })
    .map_err(|error| format!("behind packet {number}: {error}"))?;
    if number == 0 {
        return Err("there is no packet in it".to_owned());
    }
    talk.finish(&mut evidence, device)?;
    if evidence.faults.is_empty() && evidence.networks.is_empty() && evidence.expected.is_empty() {
        return Err(format!(
            "none of its {number} packets is a beacon, DHCP, DNS, NTP or a connection to port 80 or 443; what is \
             encrypted on the air cannot be read, but a capture on the router or of its Ethernet can"
        ));
    }
    Ok(evidence)
}

/// What is done with a packet's time, link type and bytes; an error ends it.
type Look<'l> = dyn FnMut(Time, Linktype, &[u8]) -> Result<(), String> + 'l;

/// Calls `packet` with each packet's time, link type and bytes.
fn each(bytes: &[u8], packet: &mut Look<'_>) -> Result<(), String> {
    let capacity = (bytes.len() + 1024).max(65_536);
    let mut reader = create_reader(capacity, Cursor::new(bytes)).map_err(|error| describe(&error))?;
    let (mut link, mut nanoseconds) = (Linktype::ETHERNET, false);
    let mut interfaces: Vec<(Linktype, u64, i64)> = Vec::new();
    loop {
        match reader.next() {
            Ok((size, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        link = header.network;
                        nanoseconds = header.is_nanosecond_precision();
                    }
                    PcapBlockOwned::Legacy(it) => {
                        let fraction = Time::from(it.ts_usec) * if nanoseconds { 1 } else { 1_000 };
                        packet(Time::from(it.ts_sec) * SECOND + fraction, link, it.data)?;
                    }
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(it)) => {
                        interfaces.push((it.linktype, it.ts_resolution().unwrap_or(1_000_000), it.ts_offset()));
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(it)) => {
                        if let Some((link, resolution, offset)) = interfaces.get(it.if_id as usize) {
                            let units = u128::from(it.ts_high) << 32 | u128::from(it.ts_low);
                            let nanos = units * 1_000_000_000 / u128::from((*resolution).max(1));
                            let at = Time::try_from(nanos)
                                .unwrap_or(Time::MAX)
                                .saturating_add(offset.saturating_mul(SECOND));
                            let length = (it.caplen as usize).min(it.data.len());
                            packet(at, *link, &it.data[..length])?;
                        }
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(size);
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::Incomplete(_)) => {
                reader.refill().map_err(|error| describe(&error))?;
                if reader.reader_exhausted() && reader.data().is_empty() {
                    return Ok(());
                }
            }
            Err(PcapError::UnexpectedEof) => return Err("the capture ends in the middle of a packet".to_owned()),
            Err(error) => return Err(describe(&error)),
        }
    }
}

fn describe<I: std::fmt::Debug>(error: &PcapError<I>) -> String {
    match error {
        PcapError::Eof | PcapError::UnexpectedEof | PcapError::Incomplete(_) => "it ends too early".to_owned(),
        _ => "not a pcap or a pcapng".to_owned(),
    }
}
