//! A folder with a page that flashes a board from a browser, by ESP Web Tools and Web Serial.
//!
//! The page has the digests in it. It fetches each part, compares it, and hands the very bytes that it has compared to
//! ESP Web Tools; so what that writes is what was validated, whoever serves the folder later, as long as the page
//! itself is whole. ESP Web Tools is not part of preflash: it is loaded, in one version, from where it is published, or
//! from a copy. Its manifest stands in the folder as well, for other pages.
//!
//! Not as by esptool: the browser does not read the flash's size before, and compares hashes as ESP Web Tools does.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::plan::Plan;
use crate::validation::sha256;

/// ESP Web Tools as it is published (Apache License 2.0); the version that this page was looked at with.
pub const WEB_TOOLS: &str = "https://unpkg.com/esp-web-tools@10.2.1/dist/web/install-button.js?module";
/// The page, with a place for what it is given.
const PAGE: &str = include_str!("page.html");
const PLACE: &str = "GIVEN";
/// By which a page of an earlier time is known.
const OURS: &str = "preflash flash --page";
/// The sector that is blanked before all else, in a file of its own.
const BLANK: &str = "blank.bin";

/// What a page is made of.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What is flashed, for people.
    pub name: &'a str,
    /// What is known of it, in a sentence.
    pub said: &'a str,
    /// Which it is, shortly.
    pub version: &'a str,
    /// The text of the statement that validates it.
    pub statement: Option<&'a str>,
    /// Where ESP Web Tools is loaded from.
    pub tools: &'a str,
    /// What is written.
    pub plan: &'a Plan,
}

impl Page<'_> {
    /// The files of the folder, by their names.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        let mut parts = Vec::new();
        let mut add = |name: String, offset: u32, bytes: Vec<u8>, what: &str| {
            parts.push(json!({
                "path": name, "offset": offset, "bytes": bytes.len(), "what": what, "sha256": sha256(&bytes),
            }));
            files.push((name, bytes));
        };
        if let Some(first) = self.plan.pieces.last() {
            add(
                BLANK.to_owned(),
                first.offset,
                vec![0xFF; first.bytes.len()],
                "blank, so that nothing boots meanwhile",
            );
        }
        for piece in &self.plan.pieces {
            add(piece.file(), piece.offset, piece.bytes.clone(), &piece.what);
        }
        let manifest = json!({
            "name": self.name,
            "version": self.version,
            "new_install_prompt_erase": true,
            "builds": [{ "chipFamily": "ESP8266", "parts": parts }],
        });
        let statement = "validated.json";
        let given = json!({
            "name": self.name,
            "said": self.said,
            "version": self.version,
            "statement": self.statement.map(|_| statement),
            "tools": self.tools,
            "parts": manifest["builds"][0]["parts"],
        });
        // No text of anybody's ends the script that it stands in.
        let page = PAGE.replace(PLACE, &text(&given).replace('<', "\\u003c"));
        files.push(("manifest.json".to_owned(), text(&manifest).into_bytes()));
        files.extend(self.statement.map(|text| (statement.to_owned(), text.as_bytes().to_vec())));
        files.push(("index.html".to_owned(), page.into_bytes()));
        files
    }

    /// Writes the folder: a new or an empty one, or one with such a page, which goes.
    ///
    /// # Errors
    /// If something else is there, or it cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let is_empty = folder.read_dir()?.next().is_none();
        let page = std::fs::read_to_string(folder.join("index.html")).unwrap_or_default();
        if !is_empty && !page.contains(OURS) {
            return Err(io::Error::other(
                "what is there is no page of preflash's and not replaced; name another folder",
            ));
        }
        for (name, bytes) in self.files() {
            std::fs::write(folder.join(name), bytes)?;
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("a manifest is plain data");
    text + "\n"
}
