//! What a target did itself instead of running it as the device's code, and what it could not do.

use std::collections::BTreeMap;

use serde::Serialize;

use simulator_record::events::NotModelled;

/// What was answered at function level, and what was touched that is not modelled, over all starts of a device.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Coverage {
    /// Functions of the boot ROM that were answered at function level, and how often.
    pub boot_rom: BTreeMap<&'static str, u64>,
    /// Functions of the vendor's SDK that were answered at function level, and how often.
    pub sdk: BTreeMap<&'static str, u64>,
    /// Accesses to what is not modelled, the first of each kind.
    pub not_modelled: Vec<NotModelled>,
}

impl Coverage {
    /// Takes another coverage in.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in [(&mut self.boot_rom, &other.boot_rom), (&mut self.sdk, &other.sdk)] {
            for (name, count) in theirs {
                *mine.entry(name).or_default() += count;
            }
        }
        for access in &other.not_modelled {
            let known = |one: &NotModelled| (one.access, one.address) == (access.access, access.address);
            if !self.not_modelled.iter().any(known) {
                self.not_modelled.push(access.clone());
            }
        }
    }

    /// In one line for people.
    pub fn summary(&self) -> String {
        let calls = |functions: &BTreeMap<&str, u64>| functions.values().sum::<u64>();
        let not_modelled = match self.not_modelled.len() {
            0 => "nothing was touched that is not modelled".to_owned(),
            1 => format!("touched but {}", self.not_modelled[0]),
            count => format!("{count} things were touched that are not modelled"),
        };
        format!(
            "answered at function level: {} functions of the boot ROM ({} calls), {} of the SDK ({}); {not_modelled}",
            self.boot_rom.len(),
            calls(&self.boot_rom),
            self.sdk.len(),
            calls(&self.sdk),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::events::{AccessKind, Hexadecimal};

    fn touched(address: u32, pc: u32) -> NotModelled {
        NotModelled {
            access: AccessKind::Read,
            address: Hexadecimal(address),
            name: "SLC".into(),
            pc: Hexadecimal(pc),
            function: None,
        }
    }

    #[test]
    fn accounts_add_up_and_name_each_thing_once() {
        let mut coverage = Coverage {
            boot_rom: [("ets_post", 2)].into(),
            sdk: [("system_os_post", 2)].into(),
            not_modelled: vec![touched(0x6000_0B00, 1)],
        };
        coverage.add(&Coverage {
            boot_rom: [("ets_post", 3), ("memcpy", 1)].into(),
            sdk: BTreeMap::new(),
            not_modelled: vec![touched(0x6000_0B00, 2), touched(0x6000_0B04, 3)],
        });
        assert_eq!(coverage.boot_rom, [("ets_post", 5), ("memcpy", 1)].into());
        assert_eq!(coverage.not_modelled, [touched(0x6000_0B00, 1), touched(0x6000_0B04, 3)]);
        assert_eq!(
            coverage.summary(),
            "answered at function level: 2 functions of the boot ROM (6 calls), 1 of the SDK (2); 2 things were touched that are not modelled"
        );
    }
}
