//! What is flashed into a device, and its address.

use std::collections::BTreeMap;
use std::path::Path;

use simulator_record::events::DeviceId;
use simulator_world::air::colons;
use simulator_world::device::port;

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::model::{Device, FlashImage};
use crate::tree::{Fields, Node, Value};

/// Keys that say something of an image.
const OF_AN_IMAGE: [&str; 4] = ["flash-size", "init-data", "elf", "boot"];

impl Resolver<'_, '_> {
    /// What is flashed, if the file says so.
    pub(super) fn flashed(&mut self, fields: &Fields) -> Option<FlashImage> {
        let parts = fields.list("flash");
        if fields.get("image").is_none() && parts.is_empty() {
            for key in OF_AN_IMAGE {
                if let Some(span) = fields.key_span(key) {
                    self.report(
                        Diagnostic::new(format!("`{key}` goes with `image` only"), span, "means nothing here")
                            .help("`image` names what runs in the place of the yellow duck's firmware"),
                    );
                }
            }
            return None;
        }
        let folder = Path::new(self.file).parent().unwrap_or(Path::new(""));
        let path = |key| fields.text(key).map(|text| folder.join(text));
        let mut offsets: BTreeMap<i64, &Node> = BTreeMap::new();
        let mut files = Vec::new();
        for node in parts {
            let Some(part) = node.table() else { continue };
            let (Some(offset), Some(file)) = (part.integer("offset"), part.text("file")) else { continue };
            if let Some(first) = offsets.insert(offset, node) {
                self.report(
                    Diagnostic::new(format!("two files are for offset {offset:#x}"), node.span.clone(), "the second")
                        .related(first.span.clone(), "the first"),
                );
            }
            files.push((u32::try_from(offset).ok()?, folder.join(file)));
        }
        let mut flashed = FlashImage::default();
        flashed.image = path("image");
        flashed.parts = files;
        flashed.flash_size = fields.word("flash-size");
        flashed.init_data = path("init-data");
        flashed.elf = path("elf");
        flashed.boot = fields.word("boot").unwrap_or_default();
        Some(flashed)
    }

    /// The address that a device's chip has from its factory.
    pub(super) fn mac(&mut self, fields: &Fields) -> Option<[u8; 6]> {
        let node = fields.get("mac")?;
        let Value::HardwareAddress(mac) = node.value else { return None };
        let help = if mac[0] & 1 != 0 {
            "the first byte's lowest bit makes it the address of a group"
        } else if mac[0] & 2 != 0 {
            "the bit of value 2 in the first byte is not in a factory's addresses: by it the chip's own access point \
             differs from its station"
        } else {
            return Some(mac);
        };
        let message = format!("{} is no chip's address", colons(mac));
        self.report(Diagnostic::new(message, node.span.clone(), "not a factory's").help(help));
        None
    }

    /// Looks whether two devices have one address.
    pub(super) fn unlike_addresses(&mut self, root: &Fields, devices: &[Device]) {
        let said = |place: usize| match root.get("devices") {
            Some(_) => root.list("devices").get(place)?.table()?.get("mac"),
            None => root.table("device")?.get("mac"),
        };
        let addresses = (0..).map(DeviceId).zip(devices).map(|(id, device)| device.mac.unwrap_or(port::address(id)));
        let mut first = BTreeMap::new();
        for (place, mac) in addresses.enumerate() {
            let Some(other) = first.insert(mac, place) else { continue };
            let Some(node) = said(place).or_else(|| said(other)) else { continue };
            self.report(
                Diagnostic::new(
                    format!("two devices have the address {}", colons(mac)),
                    node.span.clone(),
                    "said here",
                )
                .help("leave `mac` out, or give each another: without it the place in the file decides"),
            );
        }
    }
}
