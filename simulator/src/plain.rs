//! A scenario without a file: one board, the networks that are asked for, each with a router, a name server and the
//! cloud behind it, and nothing that happens.
//!
//! It is made as the text of a scenario and read as one, so that what may be asked for is checked in one place.

use simulator_scenario::Scenario;
use simulator_world::boards::Board;

/// A network around the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// WPA2 passphrase; `None` is an open network.
    pub passphrase: Option<String>,
}

/// What is around the device.
#[derive(Debug)]
pub struct Surroundings {
    /// What it is soldered to.
    pub board: &'static Board,
    /// The networks that it can hear.
    pub networks: Vec<Network>,
    /// Decides everything that is random.
    pub seed: u64,
}

/// How strong the networks are.
const SIGNAL: &str = "-55 dBm";
/// How the addresses of their access points begin.
const BSSID: [u8; 5] = [0x02, 0x50, 0x46, 0, 0];

/// A text in TOML, as JSON writes it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Surroundings {
    /// The scenario in which these are around a device.
    ///
    /// # Errors
    /// What is wrong with them, and how it would be right.
    pub fn scenario(&self) -> Result<Scenario, String> {
        // The device may do what it likes. It ends when whoever has started it says so.
        let mut text = format!(
            "title = \"a board\"\nduration = \"3650d\"\nstart = 2026-01-01T12:00:00Z\nseed = {}\nboard = {}\n\
             allow = [\"crash\", \"watchdog\", \"livelock\", \"request-storm\"]\n\
             [cloud]\nlegacy-tls = \"auto\"\n",
            self.seed,
            quoted(self.board.name)
        );
        for (number, network) in (1u8..).zip(&self.networks) {
            let [a, b, c, d, e] = BSSID;
            text += &format!(
                "[[networks]]\nname = {}\nsignal = \"{SIGNAL}\"\n\
                 bssid = \"{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{number:02x}\"\n",
                quoted(&network.name)
            );
            if let Some(passphrase) = &network.passphrase {
                text += &format!("passphrase = {}\n", quoted(passphrase));
            }
        }
        // An expectation is the least that a scenario has.
        text += "[[expect]]\nevent.boot = {}\n";
        Scenario::parse("the command line", &text, &|_| Err("there is no file".to_owned())).map_err(|mistakes| {
            let all = mistakes.mistakes().iter().map(|mistake| match &mistake.help {
                Some(help) => format!("{} ({help})", mistake.message),
                None => mistake.message.clone(),
            });
            all.collect::<Vec<_>>().join("; ")
        })
    }
}

#[cfg(test)]
mod tests {
    use simulator_world::boards::BOARDS;

    use super::*;

    fn around(name: &str, passphrase: Option<&str>) -> Result<Scenario, String> {
        let network = Network { name: name.to_owned(), passphrase: passphrase.map(str::to_owned) };
        Surroundings { board: BOARDS[0], networks: vec![network], seed: 1 }.scenario()
    }

    #[test]
    fn networks_may_have_any_name() {
        for name in ["home", "with \"quotes\" and \\", "line\nend", "Zoë's"] {
            let scenario = around(name, Some("correct horse")).unwrap();
            assert_eq!(scenario.networks[0].name, name);
            assert_eq!(scenario.networks[0].bssid, [2, 0x50, 0x46, 0, 0, 1]);
        }
        assert_eq!(around("open", None).unwrap().networks[0].passphrase, None);
    }

    #[test]
    fn what_cannot_be_is_said_as_scenarios_have_it() {
        let short = around("home", Some("short")).unwrap_err();
        assert!(short.starts_with("a passphrase has 8 to 63 bytes, this has 5 ("), "{short}");
        let nameless = around("", None).unwrap_err();
        assert!(nameless.contains("a network's name has 1 to 32 bytes, this has 0 ("), "{nameless}");
    }
}
