//! Back ends of one test: a KMS by moto, a token by SoftHSM.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::rig::{POLICY, Rig};

const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
pub(crate) const PIN: &str = "pin-of-the-token-8461";

/// As the usual policy, with a second role, `vault`.
pub(crate) fn two_roles() -> String {
    let second = POLICY.replace("version = 1", "").replace("roles.minter", "roles.vault");
    format!("{POLICY}{second}")
}

pub(crate) fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// moto, which ends with this.
pub(crate) struct Kms {
    child: Child,
    port: u16,
    state: PathBuf,
    made: PathBuf,
}

impl Kms {
    pub(crate) fn start(rig: &Rig) -> Self {
        let (state, made) = (rig.path("kms-state"), rig.path("kms-made"));
        fs::write(&state, "well").unwrap();
        fs::write(&made, "").unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto_kms.py");
        let python = python();
        let mut child = Command::new(&python)
            .arg(script)
            .args([&state, &made])
            // Nothing of this machine's settings for AWS.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run `make tools`", python.display()));
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let port = port.trim().parse().expect("moto prints its port: run `make tools`");
        let credentials = "[other]\naws_access_key_id = WRONG\n[default]\n\
            aws_access_key_id = AKIDTEST\naws_secret_access_key=test-secret-of-kms\n\
            aws_session_token = test-session-token\n";
        write_private(&rig.path("aws-credentials"), credentials);
        Self { child, port, state, made }
    }

    /// What is wrong with it from now on: see `moto_kms.py`.
    pub(crate) fn is(&self, state: &str) {
        let new = self.state.with_extension("new");
        fs::write(&new, state).unwrap();
        fs::rename(new, &self.state).unwrap();
    }

    pub(crate) fn signatures_made(&self) -> usize {
        fs::read_to_string(&self.made).unwrap().lines().count()
    }

    /// Its section of the signer's configuration. A busy machine takes its time to answer.
    pub(crate) fn section(&self, rig: &Rig) -> String {
        self.section_within(rig, 15_000)
    }

    /// The same, for those who wait until it is too late.
    pub(crate) fn section_within(&self, rig: &Rig, timeout_ms: u32) -> String {
        format!(
            "[aws_kms.cloud]\nregion = \"eu-west-1\"\nendpoint = \"http://127.0.0.1:{}\"\n\
             credentials_file = {:?}\ntimeout_ms = {timeout_ms}\n",
            self.port,
            rig.path("aws-credentials")
        )
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The tools' own Python, with moto.
fn python() -> PathBuf {
    let beside = std::env::var_os("STOA_TOOLS").map(|bin| PathBuf::from(bin).join("../venv"));
    let checkout = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/venv"));
    beside
        .into_iter()
        .chain([checkout.clone()])
        .map(|venv| venv.join("bin/python"))
        .find(|python| python.exists())
        .unwrap_or(checkout)
}

/// A fresh token of SoftHSM in the rig's directory.
pub(crate) struct Hsm {
    module: &'static str,
    pub(crate) configuration: PathBuf,
}

impl Hsm {
    pub(crate) fn new(rig: &Rig) -> Self {
        let module = MODULES.into_iter().find(|path| Path::new(path).exists());
        let module = module.expect("softhsm2 is not installed: run `make tools`");
        let (tokens, configuration) = (rig.path("tokens"), rig.path("softhsm2.conf"));
        fs::create_dir(&tokens).unwrap();
        let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
        fs::write(&configuration, text).unwrap();
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "stoa", "--so-pin", "so-pin-1"])
            .args(["--pin", PIN])
            .env("SOFTHSM2_CONF", &configuration)
            .output()
            .expect("softhsm2 is not installed: run `make tools`");
        assert!(made.status.success(), "{made:?}");
        write_private(&rig.path("pin"), PIN);
        Self { module, configuration }
    }

    pub(crate) fn section(&self, rig: &Rig) -> String {
        format!(
            "[pkcs11.hsm]\nmodule = {:?}\ntoken = \"stoa\"\npin_file = {:?}\n",
            self.module,
            rig.path("pin")
        )
    }
}

pub(crate) fn key(role: &str, index: u32, backend: &str, id: &str) -> String {
    format!("[[keys]]\nrole = {role:?}\nindex = {index}\nbackend = {backend:?}\nid = {id:?}\n")
}

/// Writes the signer's list of back ends: first their sections, then the keys.
pub(crate) fn declare(rig: &Rig, sections: &[String]) {
    fs::write(rig.path("backends.toml"), format!("version = 1\n{}", sections.join(""))).unwrap();
}
