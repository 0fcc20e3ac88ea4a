//! A folder to run the command in, and what came of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// How often a command is looked at until it has ended, and how many times at most: two minutes.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 6_000;

/// A scenario with one reading, stored after a TLS handshake, which takes the chip more than a second. An expectation
/// ends it, which tests add to.
pub const READING: &str = r#"
title = "A duck stores its first reading"
duration = "30s"
[settings]
network = "home"
passphrase = "correct horse"
[[expect]]
event.stored = {}
"#;

/// A folder of the test's own.
pub struct Bench {
    pub folder: PathBuf,
}

/// What a command did.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    /// An empty folder of that name.
    pub fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("command").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    /// Writes a file into it.
    pub fn file(&self, name: &str, text: &str) -> &Self {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Reads a file in it.
    pub fn read(&self, name: &str) -> String {
        let path = self.folder.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("could not read {}: {error}", path.display()))
    }

    /// Runs `preflash` in it, with arguments separated by spaces; a command that does not end is killed.
    pub fn preflash(&self, arguments: &str) -> Ended {
        self.preflash_with(arguments, &[])
    }

    /// The same with variables in its environment.
    pub fn preflash_with(&self, arguments: &str, variables: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_preflash"));
        command.args(arguments.split_whitespace()).envs(variables.iter().copied());
        self.run(&mut command, arguments)
    }

    /// Runs a line of a shell in it, where `preflash` is found on the PATH.
    #[cfg(unix)]
    pub fn shell(&self, line: &str) -> Ended {
        let found = Path::new(env!("CARGO_BIN_EXE_preflash")).parent().unwrap();
        let mut path = found.as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        self.run(Command::new("sh").args(["-c", line]).env("PATH", path), line)
    }

    fn run(&self, command: &mut Command, line: &str) -> Ended {
        // Beside the folder, so that they are not among what the command leaves.
        let [out, err] = ["stdout", "stderr"].map(|name| self.folder.with_extension(name));
        let mut child = command
            .current_dir(&self.folder)
            // As cargo does when it runs something.
            .env("CARGO", "cargo")
            .env_remove("NO_COLOR")
            // How wide a help is without a terminal.
            .env_remove("COLUMNS")
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        for _ in 0..LOOKS {
            if let Some(status) = child.try_wait().unwrap() {
                let read = |path| fs::read_to_string(path).unwrap();
                return Ended { code: status.code(), stdout: read(&out), stderr: read(&err) };
            }
            thread::sleep(LOOK);
        }
        child.kill().unwrap();
        panic!("`{line}` does not end");
    }

    /// All files below a folder in it, by their paths.
    pub fn files(&self, below: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let root = self.folder.join(below);
        let mut files = BTreeMap::new();
        collect(&root, &root, &mut files);
        files
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}
