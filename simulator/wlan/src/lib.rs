//! IEEE 802.11 as it is on the air: frames, rates and their air time, CCMP and TKIP, and the handshakes of WPA2.
//!
//! The chip's MAC and the world's access points and phones share it; it knows neither of them, nor time, nor chance:
//! nonces and keys are given. Frames are bytes without frame check sequence, as a driver hands them to its MAC.

pub mod ccmp;
pub mod data;
pub mod eapol;
pub mod element;
pub mod group;
pub mod handshake;
pub mod header;
pub mod keys;
pub mod management;
pub mod rate;
pub mod tkip;

#[cfg(test)]
mod random_frames;
