use std::format;

use embassy_futures::block_on;
use proptest::prelude::*;

use super::nor::{Nor, SECTOR};
use super::*;
use crate::settings::Fields;

fn settings(number: usize) -> Settings {
    let network = format!("network {number}");
    let passphrase = "p".repeat(8 + number % 56);
    let fingerprint = "5a".repeat(32);
    Settings::parse(&Fields {
        network: &network,
        passphrase: &passphrase,
        write_key: "0123456789ABCDEF",
        trusted_issuer: if number.is_multiple_of(2) { "digicert" } else { &fingerprint },
        sensor: if number.is_multiple_of(3) { "DHT11" } else { "DHT22" },
        tls: if number.is_multiple_of(5) { "off" } else { "on" },
        ..Fields::default()
    })
    .unwrap()
}

#[test]
fn blank_flash_holds_no_settings() {
    assert_eq!(block_on(load(&mut Nor::new(2))), Ok(None));
}

#[test]
fn the_last_saved_settings_are_loaded_for_years() {
    for sectors in [2, 3, 4, 8] {
        let mut flash = Nor::new(sectors);
        for number in 0..400 {
            block_on(save(&mut flash, &settings(number))).unwrap();
            assert_eq!(block_on(load(&mut flash)), Ok(Some(settings(number))), "{sectors} sectors, save {number}");
        }
        let used = &flash.wear[..sectors / 2 * 2];
        let (least, most) = (used.iter().min().unwrap(), used.iter().max().unwrap());
        assert!(*most < 40 && most - least <= 1, "{sectors} sectors wear evenly and little: {used:?}");
    }
}

#[test]
fn one_sector_is_too_small() {
    assert_eq!(block_on(load(&mut Nor::new(1))), Err(StoreError::TooSmall));
    assert_eq!(block_on(save(&mut Nor::new(1), &settings(0))), Err(StoreError::TooSmall));
}

#[test]
fn noise_holds_no_settings_and_takes_new_ones() {
    for seed in 1..200 {
        let mut flash = Nor::new(2);
        flash.random = seed << 32 | 0x9e37_79b9;
        flash.noise = (seed * 37 % 256) as u8;
        flash.bytes = (0..2 * SECTOR).map(|_| flash.noisy()).collect();
        assert_eq!(block_on(load(&mut flash)), Ok(None));
        block_on(save(&mut flash, &settings(7))).unwrap();
        assert_eq!(block_on(load(&mut flash)), Ok(Some(settings(7))));
    }
}

#[test]
fn a_format_of_the_future_is_ignored_and_replaced() {
    let mut flash = Nor::new(2);
    block_on(async {
        save(&mut flash, &settings(1)).await.unwrap();
        let mut record = Record::new();
        record.fill(&settings(2), 2);
        record.buffer()[0] = 2;
        open(&mut flash, 1).unwrap().push(record.bytes(), true).await.unwrap();
        assert_eq!(load(&mut flash).await, Ok(None));
        save(&mut flash, &settings(3)).await.unwrap();
        assert_eq!(load(&mut flash).await, Ok(Some(settings(3))));
    });
}

#[test]
fn records_too_short_or_too_long_hold_no_settings() {
    let mut record = Record::new();
    record.fill(&settings(5), 9);
    let whole = record.bytes().len();
    assert_eq!(record.settings(), Ok(settings(5)));
    for length in (0..whole).chain([whole + 1]) {
        record.read(length);
        assert_eq!(record.settings(), Err(Unreadable::Content), "{length} of {whole} bytes");
    }
}

/// Saves `new` with power failing in operation `cut`; true if it failed. Afterwards power is back.
fn cut_save(flash: &mut Nor, new: &Settings, cut: usize) -> bool {
    flash.power_on(Some(cut));
    let saved = block_on(save(flash, new));
    let failed = flash.operations >= cut;
    assert_eq!(saved.is_err(), failed);
    flash.power_on(None);
    failed
}

#[test]
fn a_power_cut_in_any_operation_leaves_old_or_new() {
    // Full sectors, so that saves erase: a half takes some 17 of these records.
    for noise in [0, 1, 3, 8, 16, 64, 128, 201, 250, 255] {
        for before in [0, 1, 2, 33, 34, 35, 36, 37, 38, 39] {
            let mut flash = Nor::new(2);
            flash.noise = noise;
            flash.random = 77 + before as u64;
            for number in 0..before {
                block_on(save(&mut flash, &settings(number))).unwrap();
            }
            let old = block_on(load(&mut flash)).unwrap();
            for cut in 1.. {
                let mut flash = flash.clone();
                let failed = cut_save(&mut flash, &settings(100), cut);
                let left = block_on(load(&mut flash)).unwrap();
                assert!(left == old || left == Some(settings(100)), "noise {noise}, cut {cut}: {left:?}");
                if !failed {
                    assert_eq!(left, Some(settings(100)));
                    break;
                }
                for second in 1.. {
                    let mut flash = flash.clone();
                    let failed = cut_save(&mut flash, &settings(101), second);
                    let then = block_on(load(&mut flash)).unwrap();
                    assert!(
                        then == left || then == Some(settings(101)),
                        "noise {noise}, cuts {cut}, {second}: {then:?}"
                    );
                    block_on(save(&mut flash, &settings(102))).unwrap();
                    assert_eq!(block_on(load(&mut flash)), Ok(Some(settings(102))));
                    if !failed {
                        break;
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_history_of_saves_and_power_cuts_leaves_old_or_new(
        sectors in 2usize..6,
        noise: u8,
        seed in 1u64..,
        history in prop::collection::vec(prop::option::weighted(0.6, 1usize..9), 1..60),
    ) {
        let mut flash = Nor::new(sectors);
        (flash.noise, flash.random) = (noise, seed);
        let mut current = None;
        for (number, cut) in history.into_iter().enumerate() {
            let new = settings(number);
            let failed = cut_save(&mut flash, &new, cut.unwrap_or(usize::MAX));
            // A load may have to put things in order as well, and power may fail again meanwhile.
            flash.power_on(cut);
            let interrupted = block_on(load(&mut flash));
            flash.power_on(None);
            let left = block_on(load(&mut flash)).unwrap();
            prop_assert!(left.as_ref() == Some(&new) || failed && left == current);
            prop_assert!(interrupted.is_err() || interrupted == Ok(left.clone()));
            current = left;
        }
    }
}

/// Why the store does not rely on one queue or map over all sectors.
#[test]
fn the_library_alone_loses_settings_when_an_erase_is_cut_off() {
    use sequential_storage::map::{MapConfig, MapStorage};
    let lost = (1..200u64).any(|seed| {
        let mut flash = Nor::new(2);
        (flash.noise, flash.random) = (16, seed);
        let mut cut = 0;
        block_on(async {
            let mut buffer = [0; 256];
            let value = [7u8; 200];
            for _ in 0..25 {
                flash.power_on(None);
                let before = flash.clone();
                let config = const { MapConfig::new(0..2 * SECTOR as u32) };
                let mut map = MapStorage::<u8, _, _>::new(&mut flash, config, Cache::new_uncached());
                map.store_item(&mut buffer, &1, &&value[..]).await.unwrap();
                if flash.wear.iter().sum::<usize>() > before.wear.iter().sum() {
                    // This save erases: again, with power failing in the erase.
                    cut = 1;
                    loop {
                        flash = before.clone();
                        flash.power_on(Some(cut));
                        let config = const { MapConfig::new(0..2 * SECTOR as u32) };
                        let mut map = MapStorage::<u8, _, _>::new(&mut flash, config, Cache::new_uncached());
                        let _ = map.store_item(&mut buffer, &1, &&value[..]).await;
                        if flash.wear != before.wear {
                            break;
                        }
                        cut += 1;
                    }
                    break;
                }
            }
            assert!(cut > 0, "a full sector is erased");
            flash.power_on(None);
            let config = const { MapConfig::new(0..2 * SECTOR as u32) };
            let mut map = MapStorage::<u8, _, _>::new(&mut flash, config, Cache::new_uncached());
            !matches!(map.fetch_item::<&[u8]>(&mut buffer, &1).await, Ok(Some(found)) if found == value)
        })
    });
    assert!(lost);
}
