//! `air.pcapng`: the frames, for Wireshark and its like.
//!
//! PCAP Next Generation (draft-ietf-opsawg-pcapng), in nanoseconds since 1970 by the world's true time. Each sender of
//! Ethernet frames is an interface, and so is each channel on which 802.11 frames were, each behind a radiotap header
//! with rate, channel and signal. The secrets of TLS connections stand in Decryption Secrets Blocks before the packets
//! that they open.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::time::Duration;

use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::blocks::unknown::UnknownBlock;
use pcap_file::{DataLink, Endianness, PcapError};
use simulator_record::events::Event;
use simulator_record::recorder::{Frame, Medium, Recorder};
use simulator_scenario::model::Scenario;

use super::{Artifact, Made};

pub(super) const AIR: Artifact = Artifact {
    file: "air.pcapng",
    about: "with `--capture`: all frames, Ethernet and (where firmware drives its radio itself) 802.11, in nanoseconds, \
            with the secrets of TLS inside, for Wireshark",
    made: Made::Captured(|file, scenario| Ok(Box::new(Capture::new(file, scenario)?))),
};

/// Decryption Secrets Block, and its kind of secrets for TLS.
const SECRETS_BLOCK: u32 = 0x0000_000A;
const TLS_KEY_LOG: u32 = 0x544C_534B;
/// Units of time are nanoseconds.
const NANOSECONDS: u8 = 9;

/// Writes frames to a file while a run goes on.
struct Capture {
    writer: PcapNgWriter<BufWriter<File>>,
    /// The numbers of the interfaces, by their names.
    interfaces: BTreeMap<String, u32>,
    /// When the run began, since 1970.
    start: Duration,
}

impl Capture {
    fn new(file: File, scenario: &Scenario) -> io::Result<Self> {
        let program = format!("preflash {}", env!("CARGO_PKG_VERSION"));
        let head = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![SectionHeaderOption::UserApplication(Cow::Owned(program))],
            ..SectionHeaderBlock::default()
        };
        let start = Duration::from_nanos(u64::try_from(scenario.start.unix_timestamp_nanos()).unwrap_or(0));
        let writer = PcapNgWriter::with_section_header(BufWriter::new(file), head).map_err(io_error)?;
        Ok(Self { writer, interfaces: BTreeMap::new(), start })
    }

    /// The interface of that name, which is described at its first frame.
    fn interface(&mut self, name: String, linktype: DataLink) -> io::Result<u32> {
        if let Some(known) = self.interfaces.get(&name) {
            return Ok(*known);
        }
        let number = self.interfaces.len() as u32;
        let options = vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed(&name)),
            InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
        ];
        let block = InterfaceDescriptionBlock { linktype, snaplen: 0, options };
        self.writer.write_pcapng_block(block).map_err(io_error)?;
        self.interfaces.insert(name, number);
        Ok(number)
    }
}

impl Recorder for Capture {
    fn event(&mut self, _: &Event) -> io::Result<()> {
        Ok(())
    }

    fn wants_frames(&self) -> bool {
        true
    }

    fn frame(&mut self, Frame { at, link, medium, bytes }: Frame<'_>) -> io::Result<()> {
        let (interface_id, data) = match medium {
            Medium::Ethernet => (self.interface(link.to_owned(), DataLink::ETHERNET)?, Cow::Borrowed(bytes)),
            Medium::Air { channel, kilobits_per_second, signal } => {
                let name = format!("channel {channel}");
                let head = radiotap(channel, kilobits_per_second, signal);
                let data = Cow::Owned([&head[..], bytes].concat());
                (self.interface(name, DataLink::IEEE802_11_RADIOTAP)?, data)
            }
        };
        let timestamp = self.start + at.since_start();
        let original_len = data.len() as u32;
        let block = EnhancedPacketBlock { interface_id, timestamp, original_len, data, options: vec![] };
        self.writer.write_pcapng_block(block).map(drop).map_err(io_error)
    }

    fn secret(&mut self, line: &str) -> io::Result<()> {
        let log = [line.as_bytes(), b"\n"].concat();
        let padding = log.len().next_multiple_of(4) - log.len();
        let head = [TLS_KEY_LOG.to_le_bytes(), (log.len() as u32).to_le_bytes()].concat();
        let value = [&head[..], &log, &[0; 3][..padding]].concat();
        let block = UnknownBlock::new(SECRETS_BLOCK, value.len() as u32, &value);
        self.writer.write_pcapng_block(block).map(drop).map_err(io_error)
    }

    fn finish(&mut self) -> io::Result<()> {
        io::Write::flush(self.writer.get_mut())
    }
}

/// The header before an 802.11 frame (radiotap.org): version 0, 15 bytes; rate in 500 kbit/s, channel in MHz with its
/// kind, signal in dBm.
fn radiotap(channel: u8, kilobits_per_second: u32, signal: i8) -> [u8; 15] {
    const PRESENT: u32 = 1 << 2 | 1 << 3 | 1 << 5;
    const GHZ_2: u16 = 0x0080;
    const CCK: u16 = 0x0020;
    const OFDM: u16 = 0x0040;
    let megahertz = if channel == 14 { 2_484 } else { 2_407 + 5 * u16::from(channel) };
    let kind = GHZ_2 | if matches!(kilobits_per_second, 1_000 | 2_000 | 5_500 | 11_000) { CCK } else { OFDM };
    let mut head = [0; 15];
    head[2] = 15;
    head[4..8].copy_from_slice(&PRESENT.to_le_bytes());
    head[8] = (kilobits_per_second / 500).min(255) as u8;
    head[10..12].copy_from_slice(&megahertz.to_le_bytes());
    head[12..14].copy_from_slice(&kind.to_le_bytes());
    head[14] = signal as u8;
    head
}

fn io_error(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    }
}
