//! `stoa signer …`: what an operator asks about a policy, and how a second person approves.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use signer::{Act, Fee, TxIntent, TxKind};

use crate::say;

/// The most that an approval of a policy may last: 31 days.
const EXPIRES_MAX_S: u64 = 31 * 86_400;

#[derive(Subcommand, Debug)]
pub(crate) enum SignerCommand {
    /// Say what a policy allows, rule by rule. Ends with 0 if it allows the act, else with 1.
    Check(CheckOptions),
    /// Print the digest under which a policy is logged; refuse a file that no signer would take.
    Digest {
        /// The policy (TOML).
        policy: PathBuf,
    },
    /// Approve an act as a second person, offline, with a key of your own.
    Approve(ApproveOptions),
    /// Keys: make, list, import, take out of service.
    #[command(subcommand)]
    Key(crate::signer_keys::KeyCommand),
    /// Print the metrics of a running signer, as Prometheus reads them.
    Metrics {
        /// Its Unix socket.
        #[arg(long)]
        socket: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CheckOptions {
    /// The policy (TOML).
    policy: PathBuf,
    /// Ask about this role only; otherwise about all.
    #[arg(long)]
    role: Option<String>,
    #[command(flatten)]
    act: ActOptions,
}

/// What is to be signed, in one of three ways.
#[derive(Args, Debug)]
struct ActOptions {
    /// A file with an intent as the engine sends it: a transaction or a typed message.
    #[arg(long, conflicts_with_all = ["call", "typed"])]
    intent: Option<PathBuf>,
    /// A file with a typed message: `domain`, `primary_type`, `message`, and `key` if not --key.
    #[arg(long, conflicts_with = "call")]
    typed: Option<PathBuf>,
    /// Receiver of a call; with neither --function nor --data a plain transfer.
    #[arg(long, requires = "chain")]
    call: Option<String>,
    /// The function, `transfer(address to, uint256 amount)`.
    #[arg(long, requires = "call", conflicts_with = "data")]
    function: Option<String>,
    /// Its arguments as a JSON array, or object where all are named.
    #[arg(long, requires = "function", default_value = "[]")]
    args: String,
    /// Calldata in hexadecimal digits.
    #[arg(long, requires = "call")]
    data: Option<String>,
    /// Wei sent along.
    #[arg(long, default_value = "0")]
    value: String,
    /// Chain id.
    #[arg(long)]
    chain: Option<u64>,
    /// Gas limit.
    #[arg(long, default_value_t = 21_000)]
    gas: u64,
    /// Wei per gas.
    #[arg(long, default_value_t = 1)]
    gas_price: u128,
    /// Address of the signing key, where a rule or an approval depends on it.
    #[arg(long)]
    key: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ApproveOptions {
    /// The act's digest, as `approval_required` names it. Without it the act is computed from what
    /// follows, which shows that the digest is of what you mean to approve.
    #[arg(long, conflicts_with_all = ["intent", "typed", "call"])]
    act: Option<String>,
    /// The signer's policy: needed for typed messages, whose types it has.
    #[arg(long)]
    policy: Option<PathBuf>,
    #[command(flatten)]
    of: ActOptions,
    /// Your keystore file (version 3).
    #[arg(long)]
    keystore: PathBuf,
    /// File with its password.
    #[arg(long)]
    password_file: PathBuf,
    /// Seconds for which it is good, counted from now.
    #[arg(long, default_value_t = 3600)]
    expires_in: u64,
}

/// Returns whether the answer was yes.
pub(crate) fn run(command: SignerCommand) -> Result<bool> {
    match command {
        SignerCommand::Check(options) => {
            let text = read(&options.policy)?;
            let explained = signer::explain(&text, options.role.as_deref(), &options.act.read()?)?;
            say(&explained.to_string());
            Ok(explained.allowed)
        }
        SignerCommand::Key(command) => crate::signer_keys::run(command).map(|()| true),
        SignerCommand::Digest { policy } => {
            say(&signer::policy_digest(&read(&policy)?)?.to_string());
            Ok(true)
        }
        SignerCommand::Approve(options) => approve(options),
        SignerCommand::Metrics { socket } => crate::block_on(async {
            let text = signer::Client::connect(socket).metrics().await?;
            say(text.trim_end());
            Ok(true)
        }),
    }
}

fn approve(options: ApproveOptions) -> Result<bool> {
    if !(1..=EXPIRES_MAX_S).contains(&options.expires_in) {
        bail!("--expires-in must be 1 to {EXPIRES_MAX_S} seconds");
    }
    let act = match &options.act {
        Some(act) => act.parse().context("--act is no digest")?,
        None => act_of(&options.of.read()?, options.policy.as_deref())?,
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let expires = (now + Duration::from_secs(options.expires_in)).as_secs();
    let (operator, approval) =
        signer::approve(act, expires, &options.keystore, &options.password_file)?;
    crate::note(&format!("{operator} approves act {act} until {expires}"));
    say(&serde_json::to_string(&approval)?);
    Ok(true)
}

fn act_of(act: &Act, policy: Option<&Path>) -> Result<alloy_primitives::B256> {
    let key = match act {
        Act::Transaction(intent) => intent.key,
        Act::Message(intent) => intent.key,
    };
    if key.is_zero() {
        bail!("an approval is for one key: name it by --key");
    }
    if let Act::Transaction(intent) = act {
        return Ok(signer::transaction_act(intent.key, intent.chain_id, &intent.kind));
    }
    let policy = policy.context("the types of a message are in the policy: name it by --policy")?;
    let explained = signer::explain(&read(policy)?, None, act)?;
    explained.act.ok_or_else(|| anyhow!("no role of the policy allows this message:\n{explained}"))
}

impl ActOptions {
    fn read(&self) -> Result<Act> {
        let key = self.key.as_deref().map(|key| key.parse().context("--key is no address"));
        let key = key.transpose()?;
        if let Some(path) = self.intent.as_ref().or(self.typed.as_ref()) {
            let mut json: serde_json::Value = serde_json::from_str(&read(path)?)
                .with_context(|| format!("{} is no JSON", path.display()))?;
            if let Some(fields) = json.as_object_mut()
                && (key.is_some() || !fields.contains_key("key"))
            {
                let key: alloy_primitives::Address = key.unwrap_or_default();
                fields.insert("key".to_owned(), serde_json::to_value(key)?);
            }
            return Act::from_json(&json.to_string())
                .with_context(|| format!("{} is no intent", path.display()));
        }
        let to = self.call.as_deref().context("name an act: --call, --typed or --intent")?;
        let data = match (&self.function, &self.data) {
            (Some(function), _) => {
                let arguments = serde_json::from_str(&self.args).context("--args is no JSON")?;
                signer::encode_call(function, &arguments).map_err(|reason| anyhow!(reason))?
            }
            (None, Some(data)) => data.parse().context("--data is not hexadecimal")?,
            (None, None) => Default::default(),
        };
        Ok(Act::Transaction(TxIntent {
            key: key.unwrap_or_default(),
            chain_id: self.chain.context("--chain is missing")?,
            nonce: 0,
            kind: TxKind::Call {
                to: to.parse().context("--call is no address")?,
                value: self.value.parse().context("--value is no number of wei")?,
                data,
            },
            gas_limit: self.gas,
            fee: Fee::Legacy { gas_price: self.gas_price },
        }))
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}
