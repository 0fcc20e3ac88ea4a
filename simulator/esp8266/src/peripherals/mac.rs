//! The Wi-Fi MAC: what moves 802.11 frames between memory and the antenna.
//!
//! The vendor's driver is code of the program; this is what it finds below. Frames that arrive go through the address
//! filters ([`address`]) and the ciphers ([`keys`]) into a ring of descriptors ([`receive`]). Frames that the program
//! starts go from a chain of descriptors onto the air ([`transmit`]). Both tell the program by events, which are
//! collected here and hold the interrupt as long as one is pending and enabled. The counters of [`tsf`] belong to the
//! same interrupt.
//!
//! No document of the vendor describes these registers. What is modelled is what the drivers of NONOS SDK 1.5 to 3.0,
//! RTOS SDK 3 and ESP-Open-SDK do with them, and what esp32-open-mac and teatime-os found on silicon. Names are ours.
//!
//! Not modelled: frames in several descriptors, aggregation, WEP, sniffing, collisions with others' frames.

mod address;
mod keys;
mod receive;
#[cfg(test)]
mod tests;
mod transmit;
mod tsf;

use super::clock::Time;
use super::device::{Block, Device};
use super::env::{Env, line};
use super::outside::Heard;
use super::registers::{Bank, registers};
use super::rtc::ResetCause;
use keys::Keys;
use receive::Receiver;
use transmit::Transmitter;
use tsf::Counters;

pub(super) use keys::Word as KeyWord;
pub(super) use transmit::Word as QueueWord;
pub(super) use tsf::Register as TsfRegister;

registers! {
    /// Registers of the MAC that are no queue, key or counter.
    pub(super) enum Register {
        0x000 RxControl ReadWrite = 0, "MAC_RX_CTRL";
        0x004 Enable ReadWrite = 0, "MAC_RXTX_EN" enable { RECEIVER: 31; };
        0x008 RxBase ReadWrite = 0, "MAC_RX_BASE";
        0x00C RxControlBase ReadWrite = 0, "MAC_RX_CTRL_BASE";
        0x010 Reg010 ReadWrite = 0, "MAC_010";
        0x014 RxLast ReadOnly = 0, "MAC_RX_EOF_DSCR";
        0x018 RxCount ReadOnly = 0, "MAC_RX_COUNT";
        0x01C RxFirst ReadOnly = 0, "MAC_RX_CUR_DSCR";
        0x038 RxPhyLength ReadOnly = 0, "MAC_RX_PHY_LENGTH";
        0x03C RxFrequency ReadOnly = 0, "MAC_RX_FREQUENCY";
        0x06C RxFilter ReadWrite = 0, "MAC_RX_FILTER" filter {
            ADDRESS: 0..=2;
            SCANNING: 4;
            SCANNING1: 12;
        };
        0x07C DmaEnd1 ReadWrite = 0, "MAC_DMA_END1";
        0x080 DmaBase1 ReadWrite = 0, "MAC_DMA_BASE1";
        0x084 DmaEnd2 ReadWrite = 0, "MAC_DMA_END2";
        0x088 DmaBase2 ReadWrite = 0, "MAC_DMA_BASE2";
        0x178 Reg178 ReadWrite = 0, "MAC_178";
        0x17C CckErrors ReadOnly = 0, "MAC_CCK_ERR";
        0x180 OfdmErrors ReadOnly = 0, "MAC_OFDM_ERR";
        0x184 AgcErrors ReadOnly = 0, "MAC_AGC_ERR";
        0x188 StartFrames ReadOnly = 0, "MAC_SF";
        0x18C Aborts ReadOnly = 0, "MAC_ABORT";
        0x190 FcsErrors ReadOnly = 0, "MAC_FCS_ERR";
        0x194 FifoOverflows ReadOnly = 0, "MAC_FIFO_OVF";
        0x198 EntryBufferFull ReadOnly = 0, "MAC_APENTRYBUF_FULL";
        0x19C BufferFull ReadOnly = 0, "MAC_BUF_FULL";
        0x1A0 OtherUnicast ReadOnly = 0, "MAC_OTHER_UNICAST";
        0x1A4 TkipErrors ReadOnly = 0, "MAC_TKIP_ERR";
        0x1A8 SameBmErrors ReadOnly = 0, "MAC_SAMEBM_ERR";
        0x1AC AckInterrupts ReadOnly = 0, "MAC_ACK_INT";
        0x1B0 RtsInterrupts ReadOnly = 0, "MAC_RTS_INT";
        0x1B4 CtsInterrupts ReadOnly = 0, "MAC_CTS_INT";
        0x1B8 RifsInterrupts ReadOnly = 0, "MAC_RIFS_INT";
        0x1BC RxSuccesses ReadOnly = 0, "MAC_DATASUC";
        0x1C0 RxEnds ReadOnly = 0, "MAC_RX_END_CNT";
        0x1D0 State ReadOnly = 0, "MAC_STATE";
        0x1D4 Diagnosis6 ReadOnly = 0, "MAC_DIAG6";
        0x400 AckRates0 ReadWrite = 0, "MAC_ACK_RATE0";
        0x404 AckRates1 ReadWrite = 0, "MAC_ACK_RATE1";
        0x408 AckRates2 ReadWrite = 0, "MAC_ACK_RATE2";
        0x40C AckOption ReadWrite = 0, "MAC_ACK_OPTION";
        0x410 TxState ReadOnly = 0, "MAC_TX_STATE";
        0x800 Crypto0 ReadWrite = 0, "MAC_CRYPTO0" crypto { ON: 0..=1; RAW: 24..=25; };
        0x804 Crypto1 ReadWrite = 0, "MAC_CRYPTO1" crypto;
        0x808 Reg808 ReadWrite = 0, "MAC_808";
        0x80C KeysValid ReadWrite = 0, "MAC_KEYS_VALID";
        0xC14 SleepConfiguration ReadWrite = 0, "MAC_SLEEP_CONF";
        0xC18 EventEnable ReadWrite = 0, "MAC_INT_ENA";
        0xC1C EventRaw ReadOnly = 0, "MAC_INT_RAW";
        0xC20 EventStatus ReadOnly = 0, "MAC_INT_STATUS";
        0xC24 EventClear WriteOnly = 0, "MAC_INT_CLR";
        0xC28 Bssid0Low ReadWrite = 0, "MAC_BSSID0_LOW";
        0xC2C Bssid0High ReadWrite = 0, "MAC_BSSID0_HIGH";
        0xC30 Bssid1Low ReadWrite = 0, "MAC_BSSID1_LOW";
        0xC34 Bssid1High ReadWrite = 0, "MAC_BSSID1_HIGH";
        0xC38 BssidMask0Low ReadWrite = 0, "MAC_BSSID0_MASK_LOW";
        0xC3C BssidMask0High ReadWrite = 0, "MAC_BSSID0_MASK_HIGH";
        0xC40 BssidMask1Low ReadWrite = 0, "MAC_BSSID1_MASK_LOW";
        0xC44 BssidMask1High ReadWrite = 0, "MAC_BSSID1_MASK_HIGH";
        0xC48 Address0Low ReadWrite = 0, "MAC_ADDR0_LOW";
        0xC4C Address0High ReadWrite = 0, "MAC_ADDR0_HIGH";
        0xC50 Address1Low ReadWrite = 0, "MAC_ADDR1_LOW";
        0xC54 Address1High ReadWrite = 0, "MAC_ADDR1_HIGH";
        0xC58 AddressMask0Low ReadWrite = 0, "MAC_ADDR0_MASK_LOW";
        0xC5C AddressMask0High ReadWrite = 0, "MAC_ADDR0_MASK_HIGH";
        0xC60 AddressMask1Low ReadWrite = 0, "MAC_ADDR1_MASK_LOW";
        0xC64 AddressMask1High ReadWrite = 0, "MAC_ADDR1_MASK_HIGH";
        0xC68 SlotTiming ReadWrite = 0, "MAC_SLOT_TIMING";
        0xC6C SifsTiming ReadWrite = 0, "MAC_SIFS_TIMING";
        0xC70 Radio ReadWrite = 0, "MAC_RADIO" radio { POWERED: 1; };
        0xC74 TxGates ReadWrite = 0, "MAC_TX_GATES";
        0xC84 TxStatus ReadOnly = 0, "MAC_TX_STATUS";
        0xC88 Options ReadWrite = 0, "MAC_OPTIONS";
        0xC90 RxOptions ReadWrite = 0, "MAC_RX_OPTIONS";
        0xC94 TxOptions ReadWrite = 0, "MAC_TX_OPTIONS";
        0xC98 Responses0 ReadWrite = 0x1111_1111, "MAC_RESPONSE_MANAGEMENT_LOW";
        0xC9C Responses1 ReadWrite = 0x1111_1111, "MAC_RESPONSE_MANAGEMENT_HIGH";
        0xCA0 Responses2 ReadWrite = 0x1111_1111, "MAC_RESPONSE_CONTROL_LOW";
        0xCA4 Responses3 ReadWrite = 0x1111_1111, "MAC_RESPONSE_CONTROL_HIGH";
        0xCA8 Responses4 ReadWrite = 0x1111_1111, "MAC_RESPONSE_DATA_LOW";
        0xCAC Responses5 ReadWrite = 0x1111_1111, "MAC_RESPONSE_DATA_HIGH";
        0xCB0 BurstControl ReadWrite = 0, "MAC_BURST_CTRL";
        0xCC0 TxTroubles ReadWrite = 0, "MAC_TX_TROUBLES";
        0xCDC BurstDescriptor ReadWrite = 0, "MAC_BURST_DSCR" burst { ARMED: 30; };
        0xCE0 BurstLength ReadWrite = 0, "MAC_BURST_LENGTH";
        0xCE4 BurstHt ReadWrite = 0, "MAC_BURST_HT";
        0xCE8 BurstDuration ReadWrite = 0, "MAC_BURST_DURATION";
        0xDE0 Coexistence ReadWrite = 0, "MAC_COEXISTENCE";
        0xE04 AckSnr ReadOnly = 0, "MAC_ACK_SNR";
        0xE08 RegE08 ReadWrite = 0, "MAC_E08";
        0xE2C Diagnosis0 ReadOnly = 0, "MAC_DIAG0";
        0xE30 Diagnosis1 ReadOnly = 0, "MAC_DIAG1";
        0xE34 Diagnosis2 ReadOnly = 0, "MAC_DIAG2";
        0xE38 Diagnosis3 ReadOnly = 0, "MAC_DIAG3";
        0xE3C Diagnosis11 ReadOnly = 0, "MAC_DIAG11";
    }
}

/// Events, as bits of the event registers.
mod event {
    /// Frames have been received.
    pub const RECEIVED: u32 = 1 << 8;
    /// A queue's frame has begun to leave.
    pub const TX_STARTED: u32 = 1 << 18;
    /// What has become of a queue's frame is known.
    pub const TX_DONE: u32 = 1 << 19;
    /// The second counter has met its target.
    pub const TSF1: u32 = 1 << 26;
    /// The first counter has met its target.
    pub const TSF0: u32 = 1 << 27;
    /// A queue's frame was not sent in its lifetime.
    pub const TX_EXPIRED: u32 = 1 << 29;
}

/// How often the receiver takes noise for the beginning of a frame: a driver that sees the count of what ended stand
/// still takes the receiver to be dead.
const NOISE_PERIOD: Time = Time::from_milliseconds(100);

/// The MAC.
#[derive(Debug, Default)]
pub(super) struct Mac {
    bank: Bank<Register>,
    receiver: Receiver,
    transmitter: Transmitter,
    keys: Keys,
    counters: Counters,
    events: u32,
}

impl Mac {
    /// Whether the receiver has power and is on.
    fn receives(&self) -> bool {
        enable::RECEIVER.is_in(self.bank.value(Register::Enable))
            && radio::POWERED.is_in(self.bank.value(Register::Radio))
    }

    /// A frame will have arrived at the antenna at a later moment.
    pub(super) fn hear(&mut self, heard: Heard) {
        self.receiver.hear(heard);
    }
}

impl Device for Mac {
    /// Nothing is left of before.
    fn reset(&mut self, _: ResetCause, env: &mut Env<'_>) {
        *self = Self { counters: Counters::from(env.now), ..Self::default() };
        env.listen();
    }

    fn age(&mut self, uptime: Time) {
        self.counters.age(uptime);
    }

    fn advance(&mut self, env: &mut Env<'_>) {
        if self.counters.is_due(env.now) {
            self.events |= self.counters.advance(env.now);
        }
        self.transmit_due(env);
        while let Some(heard) = self.receiver.arrived(env.now) {
            self.take_in(&heard, env);
        }
    }

    fn next(&self, _: Time) -> Time {
        self.receiver.next().min(self.transmitter.next()).min(self.counters.next())
    }

    fn lines(&self) -> u32 {
        if self.events & self.bank.value(Register::EventEnable) == 0 { 0 } else { line::MAC }
    }
}

impl Block<Register> for Mac {
    fn read(&mut self, register: Register, env: &mut Env<'_>) -> u32 {
        match register {
            Register::EventRaw => self.events,
            Register::EventStatus => self.events & self.bank.value(Register::EventEnable),
            Register::RxCount => self.receiver.take_count(),
            Register::RxFirst => self.receiver.first(),
            Register::RxEnds => {
                let noise = if enable::RECEIVER.is_in(self.bank.value(Register::Enable)) {
                    env.now.0 / NOISE_PERIOD.0
                } else {
                    0
                };
                self.bank.value(register).wrapping_add(noise as u32)
            }
            register => self.bank.read(register),
        }
    }

    fn write(&mut self, register: Register, value: u32, env: &mut Env<'_>) {
        self.bank.write(register, value);
        match register {
            Register::Enable | Register::Radio => {
                env.wires.receives = self.receives();
                env.listen();
            }
            Register::EventClear => {
                self.events &= !value;
                if value & event::TX_DONE != 0 {
                    self.transmitter.result_taken(env.now);
                }
            }
            Register::RxBase => self.receiver.start_at(value),
            _ => {}
        }
    }
}

impl Block<QueueWord> for Mac {
    fn read(&mut self, word: QueueWord, _: &mut Env<'_>) -> u32 {
        self.transmitter.read(word)
    }

    fn write(&mut self, word: QueueWord, value: u32, env: &mut Env<'_>) {
        self.transmitter.write(word, value, env.now);
    }
}

impl Block<KeyWord> for Mac {
    /// Drivers copy keys into the table byte by byte, and they arrive.
    const TAKES_NARROW_WRITES: bool = true;

    fn read(&mut self, word: KeyWord, _: &mut Env<'_>) -> u32 {
        self.keys.read(word)
    }

    fn write(&mut self, word: KeyWord, value: u32, _: &mut Env<'_>) {
        self.keys.write(word, value);
    }
}

impl Block<TsfRegister> for Mac {
    fn read(&mut self, register: TsfRegister, env: &mut Env<'_>) -> u32 {
        self.counters.read(register, env.now)
    }

    fn write(&mut self, register: TsfRegister, value: u32, env: &mut Env<'_>) {
        self.counters.write(register, value, env.now);
    }
}
