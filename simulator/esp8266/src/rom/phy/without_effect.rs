//! PHY functions that do nothing here and return 0: what they measure or level out is analogue, and the chip sends and
//! receives the same whatever comes of it.
//!
//! That this is enough for the vendor's drivers has been tried: calibration ends, networks are found and joined.

use super::super::call::{Call, Flow, Trouble};

/// Why a function may do nothing.
const MEASURES: &str = "measures the transmitter or receiver, of which nothing is analogue here";
const LEVELS_OUT: &str = "levels out the transmitter or receiver by what was measured";
const BY_THE_DRIVER: &str = "is done by `libphy` itself in all versions that were seen, which call it nowhere";

/// The functions, and why they may do nothing.
pub(in super::super) static FUNCTIONS: [(u32, &str, &str); 26] = [
    (0x4000_615C, "rom_dc_iq_est", MEASURES),
    (0x4000_61B8, "rom_en_pwdet", MEASURES),
    (0x4000_6238, "rom_get_bb_atten", LEVELS_OUT),
    (0x4000_6260, "rom_get_corr_power", MEASURES),
    (0x4000_62DC, "rom_get_fm_sar_dout", MEASURES),
    (0x4000_63B0, "rom_get_power_db", MEASURES),
    (0x4000_6628, "rom_rxiq_get_mis", MEASURES),
    (0x4000_6A1C, "rom_txtone_linear_pwr", MEASURES),
    (0x4000_6B10, "rom_ana_inf_gating_en", BY_THE_DRIVER),
    (0x4000_6C50, "rom_set_channel_freq", BY_THE_DRIVER),
    (0x4000_6F84, "rom_chip_50_set_channel", BY_THE_DRIVER),
    (0x4000_711C, "rom_chip_v5_rx_init", BY_THE_DRIVER),
    (0x4000_754C, "rom_pbus_set_rxgain", LEVELS_OUT),
    (0x4000_7610, "rom_pbus_set_txgain", LEVELS_OUT),
    (0x4000_7A28, "rom_cal_tos_v50", MEASURES),
    (0x4000_7BF0, "rom_pbus_dco___SA2", LEVELS_OUT),
    (0x4000_7EB4, "rom_rfcal_pwrctrl", LEVELS_OUT),
    (0x4000_804C, "rom_rfcal_rxiq", MEASURES),
    (0x4000_8264, "rom_rfcal_rxiq_set_reg", LEVELS_OUT),
    (0x4000_8388, "rom_rfcal_txcap", LEVELS_OUT),
    (0x4000_8610, "rom_rfcal_txiq", MEASURES),
    (0x4000_88B8, "rom_rfcal_txiq_cover", LEVELS_OUT),
    (0x4000_8A70, "rom_rfcal_txiq_set_reg", LEVELS_OUT),
    (0x4000_8B6C, "rom_rxiq_cover_mg_mp", LEVELS_OUT),
    (0x4000_8C6C, "rom_set_txbb_atten", LEVELS_OUT),
    (0x4000_8D34, "rom_set_txiq_cal", LEVELS_OUT),
];

/// Any of them: returns 0.
pub fn return_nothing(call: &mut Call<'_>) -> Result<Flow, Trouble> {
    if !FUNCTIONS.iter().any(|(entry, ..)| *entry == call.entry) {
        return Err(Trouble::NotModelled("a function of the PHY"));
    }
    call.spend(20);
    call.returns(0)
}
