//! How something is done around a board: by the port's own lines, by a command, or by a person.

use std::process::{Command as Process, Stdio};

use humantime::format_duration;
use simulator_parts::PartId;
use simulator_scenario::model::{Form, Phone, PhoneAction, RequestBody, Scenario, Typed};

use super::prompt::{Prompter, Unanswered};
use super::{Commands, Switching};

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// The run is given up.
    GivenUp,
    /// For this reason.
    Failed(String),
}

impl Switching {
    /// Switches something on or off; `words` tell a person to.
    pub(super) fn switch(
        &self,
        on: bool,
        words: &str,
        prompter: &mut Prompter,
        goes_on: impl Fn() -> bool,
    ) -> Result<(), Undone> {
        match self {
            Self::Prompt(_) => ask(prompter, words, goes_on),
            Self::Commands(Commands { on: to_on, off: to_off }) => execute(if on { to_on } else { to_off }),
        }
    }
}

/// Has a person do something.
pub(super) fn ask(prompter: &mut Prompter, words: &str, goes_on: impl Fn() -> bool) -> Result<(), Undone> {
    prompter.ask(words, goes_on).map_err(|unanswered| match unanswered {
        Unanswered::GivenUp => Undone::GivenUp,
        Unanswered::NobodyThere => {
            Undone::Failed(format!("nobody was there to be asked ({words}): standard input has come to its end"))
        }
    })
}

/// Executes a line of a shell and waits for its end.
pub(super) fn execute(line: &str) -> Result<(), Undone> {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let failed = |reason: String| Undone::Failed(format!("the command `{line}` of the rig {reason}"));
    let output = Process::new(shell).args([option, line]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(format!("could not be executed: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    Err(failed(format!("ended with {}{said}", output.status)))
}

/// The name of a part of the only device.
pub(super) fn part_name(scenario: &Scenario, part: PartId) -> &str {
    let parts = scenario.devices.first().map_or(&[][..], |device| &device.parts);
    parts.get(part.0).map_or("", |part| &part.soldered.name)
}

/// Whose turn it is: a phone's name, and which kind it is.
pub(super) fn phone_name(phone: &Phone) -> String {
    match phone.habits.kind {
        Some(kind) => format!("{} ({})", phone.name, kind.row().0),
        None => phone.name.clone(),
    }
}

/// What a person with a phone is asked to do.
pub(super) fn phone_words(name: &str, action: &PhoneAction) -> String {
    let what = match action {
        PhoneAction::Join { network, passphrase: Some(passphrase) } if passphrase.is_empty() => {
            format!("join the open network {network}")
        }
        PhoneAction::Join { network, passphrase: Some(passphrase) } => {
            format!("join the network {network} with the passphrase {passphrase}")
        }
        PhoneAction::Join { network, passphrase: None } => {
            format!("join the network {network} with the passphrase on the device's label")
        }
        PhoneAction::Open { url } => format!("open {url}"),
        PhoneAction::SignIn => "open the login page that it shows by itself".to_owned(),
        PhoneAction::Submit(form) => format!("send the device's form with {}", form_words(form)),
        PhoneAction::Request(request) => {
            let headers = request.headers.iter().map(|(name, value)| format!(", header {name}: {value}"));
            let headers: String = headers.collect();
            let body = match &request.body {
                RequestBody::None => String::new(),
                RequestBody::Text(text) => format!(", body {text}"),
                RequestBody::Bytes(count) => format!(", body of {count} letters"),
            };
            format!("send {} {} to the device{headers}{body}", request.method, request.path)
        }
        PhoneAction::Dribble { bytes, every } => {
            let every = format_duration(*every);
            format!("connect to the device's port 80 and send {bytes:?}, a byte every {every}, and then nothing")
        }
        PhoneAction::ConnectAndSayNothing(length) => {
            format!("connect to the device's port 80 and say nothing for {}", format_duration(*length))
        }
        PhoneAction::Wait(length) => format!("wait for {}", format_duration(*length)),
        PhoneAction::Leave => "leave the network".to_owned(),
    };
    format!("phone {name}: {what}")
}

/// What is typed into a form.
fn form_words(form: &Form) -> String {
    let typed = |typed: &Option<Typed>, of_the_cloud: &str| match typed {
        Some(Typed::OfTheCloud) => Some(of_the_cloud.to_owned()),
        Some(Typed::Text(text)) => Some(text.clone()),
        None => None,
    };
    let yes_or_no = form.tls.map(|tls| if tls { "on" } else { "off" }.to_owned());
    let known = [
        ("network", form.network.clone()),
        ("passphrase", form.passphrase.clone()),
        ("write-key", typed(&form.write_key, "(the channel's)")),
        ("host", form.host.clone()),
        ("port", form.port.clone()),
        ("tls", yes_or_no),
        ("trusted-issuer", typed(&form.trusted_issuer, "(the fingerprint of the cloud's authority)")),
        ("interval", form.interval.clone()),
        ("sensor", form.sensor.clone()),
        ("page", form.page.clone()),
        ("charset", form.charset.map(|charset| charset.row().0.to_owned())),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some(format!("{name} = {}", value?)));
    let more = form.fields.iter().map(|(name, value)| format!("{name} = {value}"));
    let all: Vec<String> = known.chain(more).collect();
    if all.is_empty() { "what it shows".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_command_that_fails_says_what_it_said() {
        assert_eq!(execute("exit 0"), Ok(()));
        let Err(Undone::Failed(reason)) = execute("echo no such relay >&2; exit 3") else { panic!() };
        assert_eq!(
            reason,
            "the command `echo no such relay >&2; exit 3` of the rig ended with exit status: 3: no such relay"
        );
    }

    #[test]
    fn a_person_is_told_what_to_type() {
        let form = Form { network: Some("home".into()), write_key: Some(Typed::OfTheCloud), ..Form::default() };
        assert_eq!(
            phone_words("alice", &PhoneAction::Submit(form)),
            "phone alice: send the device's form with network = home, write-key = (the channel's)"
        );
        assert_eq!(
            phone_words("bob", &PhoneAction::Submit(Form::default())),
            "phone bob: send the device's form with what it shows"
        );
    }
}
