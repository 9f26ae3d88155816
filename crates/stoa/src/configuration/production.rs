//! What only a developer may have: refused by the profile `prod`, warned of by `staging`.

use super::{
    Fault, Loaded, Origin, Settings,
    option::Kind,
    secret,
    show::{self, Held},
};
use reqwest::Url;
use std::net::IpAddr;

/// Chains of development nodes, whose keys everybody knows.
const DEVELOPMENT_CHAINS: [u64; 2] = [1_337, 31_337];
/// Words that people put where a secret belongs.
const WEAK: [&str; 12] = [
    "admin",
    "changeme",
    "default",
    "dev",
    "development",
    "password",
    "postgres",
    "redis",
    "secret",
    "stoa",
    "test",
    "token",
];
const SECRET_MIN: usize = 12;

/// One thing that is refused.
struct Rule {
    option: &'static str,
    /// For the manual: what is refused.
    refused: &'static str,
    /// The options at fault, and what to do.
    find: fn(&Loaded) -> Vec<(String, String)>,
}

const RULES: [Rule; 18] = [
    Rule {
        option: "limits.ip_units, wallet_units, key_units",
        refused: "0: no limit",
        find: |of| {
            let quotas = &of.settings.limits;
            let all = [("ip", quotas.ip), ("wallet", quotas.wallet), ("key", quotas.key)];
            let none = all.into_iter().filter(|(_, quota)| quota.units == 0);
            let name = |(kind, _)| (format!("limits.{kind}_units"), "must not be 0".to_owned());
            none.map(name).collect()
        },
    },
    Rule {
        option: "api.connections_per_address",
        refused: "0: no bound",
        find: |of| {
            let unbounded = of.settings.api.connections.per_address_max == 0;
            one(unbounded, "api.connections_per_address", "must not be 0")
        },
    },
    Rule {
        option: "auth.origins",
        refused: "none, or `http://`: pages of this machine",
        find: |of| {
            let origins = &of.settings.auth.origins;
            let plain = origins.iter().any(|origin| !origin.starts_with("https://"));
            one(origins.is_empty() || plain, "auth.origins", "must name pages by https://")
        },
    },
    Rule {
        option: "oidc.issuer, redirect_url",
        refused: "`http://`, or no redirect URL: a provider of this machine",
        find: |of| {
            let oidc = &of.settings.oidc;
            let plain = |url: &str| !url.starts_with("https://");
            let wanted = !oidc.issuer.is_empty();
            let issuer = wanted && plain(&oidc.issuer);
            let redirect = wanted && plain(&oidc.redirect_url);
            let mut found = one(issuer, "oidc.issuer", "must be an https:// address");
            found.extend(one(redirect, "oidc.redirect_url", "must be an https:// address"));
            found
        },
    },
    Rule {
        option: "api.listen",
        refused: "an address that others reach, without `[tls]` or `auth.trusted_proxies`: plain \
                  HTTP",
        find: |of| {
            let others = of.settings.listen.0.is_some_and(|at| !at.ip().is_loopback());
            let proxied = !of.settings.auth.trusted_proxies.is_empty();
            let bare = others && !proxied && !of.settings.tls.is_on();
            let detail = "others can reach it by plain HTTP: name a certificate in [tls], or put a \
                          proxy that does TLS before it and name that in auth.trusted_proxies, or \
                          use a loopback address";
            one(bare, "api.listen", detail)
        },
    },
    Rule {
        option: "chain.id, chains[N].id",
        refused: "31337 and 1337, whose keys everybody knows; none beside `[[endpoints]]`",
        find: chain_ids,
    },
    Rule {
        option: "endpoints[N].url, ws_url, relay.url, telemetry.otlp_endpoint",
        refused: "plain `http://` or `ws://` to a public host",
        find: plain_addresses,
    },
    Rule {
        option: "every address with a key",
        refused: "user, password, path or query in the file of options itself: `…_file`, or a \
                  variable",
        find: open_secrets,
    },
    Rule {
        option: "every secret",
        refused: "a well-known word, or fewer than 12 characters",
        find: weak_secrets,
    },
    Rule {
        option: "files of secrets",
        refused: "readable or writable by others; of another user (read when they are named)",
        find: |_| Vec::new(),
    },
    Rule {
        option: "database.url",
        refused: "a public host without `sslmode=require`, `verify-ca` or `verify-full`",
        find: |of| {
            let url = of.settings.database_url.expose().and_then(|url| Url::parse(url).ok());
            let open = url.is_some_and(|url| {
                let mode = url.query_pairs().find(|(name, _)| name == "sslmode");
                let safe = ["require", "verify-ca", "verify-full"];
                is_public(&url) && !mode.is_some_and(|(_, mode)| safe.contains(&&*mode))
            });
            one(open, "database.url", "needs sslmode=verify-full (or require) to a public host")
        },
    },
    Rule {
        option: "redis.url",
        refused: "a public host: nothing is encrypted on the way",
        find: |of| {
            let url = of.settings.redis_url.expose().and_then(|url| Url::parse(url).ok());
            let open = url.is_some_and(|url| url.scheme() == "redis" && is_public(&url));
            one(open, "redis.url", "must be in a private network: nothing is encrypted")
        },
    },
    Rule {
        option: "metadata.allow_private",
        refused: "any: documents of strangers would be read from private addresses",
        find: |of| {
            let some = !of.settings.metadata.allow_private.is_empty();
            one(some, "metadata.allow_private", "must be empty")
        },
    },
    Rule {
        option: "mail.security",
        refused: "`none` to a server elsewhere: letters and the password would go in the open",
        find: |of| {
            let open = of.settings.mail.goes_in_the_open();
            one(open, "mail.security", "must be starttls or tls, or the server a loopback address")
        },
    },
    Rule {
        option: "webhooks.http",
        refused: "`true`: facts would go out in the open",
        find: |of| one(of.settings.webhooks.http, "webhooks.http", "must be false"),
    },
    Rule {
        option: "webhooks.time_scale",
        refused: "below 1: endpoints that fail would be given up early",
        find: |of| {
            let short = of.settings.webhooks.time_scale < 1.0;
            one(short, "webhooks.time_scale", "must be 1.0")
        },
    },
    Rule {
        option: "telemetry.log",
        refused: "`debug` and `trace` for everything",
        find: |of| {
            let all = of.settings.telemetry.log.split(',').map(str::trim);
            let loud = all.into_iter().any(|part| {
                let part = part.to_ascii_lowercase();
                part == "debug" || part == "trace"
            });
            one(loud, "telemetry.log", "must not be debug or trace for everything: name targets")
        },
    },
    Rule {
        option: "transactor.lease_ms",
        refused: "(not refused: usual is 10000 instead of 4000)",
        find: |_| Vec::new(),
    },
];

/// Rows for the manual: the option, and what is refused.
pub(super) fn manual() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().map(|rule| (rule.option, rule.refused))
}

/// All that is unfit for others to rely on.
pub(super) fn judge(loaded: &Loaded) -> Vec<Fault> {
    let found = RULES.iter().flat_map(|rule| (rule.find)(loaded));
    found
        .map(|(option, detail)| {
            let origin = loaded.origins.get(&option).cloned();
            let detail = format!("{detail} (profile {})", loaded.profile);
            Fault { origin, option, detail }
        })
        .collect()
}

fn one(is_broken: bool, option: &str, detail: &str) -> Vec<(String, String)> {
    let broken = is_broken.then(|| (option.to_owned(), detail.to_owned()));
    broken.into_iter().collect()
}

fn chain_ids(of: &Loaded) -> Vec<(String, String)> {
    let Settings { chain, chains, .. } = &of.settings;
    let further = (1..).zip(chains).map(|(place, chain)| (format!("chains[{place}].id"), chain));
    let mut found = Vec::new();
    for (option, chain) in [("chain.id".to_owned(), chain)].into_iter().chain(further) {
        match chain.id {
            Some(id) if DEVELOPMENT_CHAINS.contains(&id) => {
                found.push((option, "is a chain of development nodes".to_owned()));
            }
            None if !chain.endpoints.is_empty() => {
                found.push((option, "must be named, so that no node can say it".to_owned()));
            }
            _ => {}
        }
    }
    found
}

/// Addresses of others that are asked.
fn plain_addresses(of: &Loaded) -> Vec<(String, String)> {
    let plain = show::secrets(&of.settings).into_iter().filter(|held| {
        let url = Url::parse(&held.value).ok();
        url.is_some_and(|url| matches!(url.scheme(), "http" | "ws") && is_public(&url))
    });
    let detail = "must be encrypted (https, wss) to a public host";
    plain.map(|held| (held.option, detail.to_owned())).collect()
}

fn open_secrets(of: &Loaded) -> Vec<(String, String)> {
    let fault = |option: String| {
        let name = option.rsplit('.').next().unwrap_or(&option);
        let detail = format!("may hold a key: name its file ({name}_file), or set a variable");
        (option, detail)
    };
    open(of).map(fault).collect()
}

/// Options whose secrets stand among the others in the file.
fn open(of: &Loaded) -> impl Iterator<Item = String> {
    let in_file = |held: &Held| matches!(of.origins.get(&held.option), Some(Origin::Line(_)));
    let held = show::secrets(&of.settings).into_iter();
    held.filter(move |held| in_file(held) && holds_secret(&held.value)).map(|held| held.option)
}

fn weak_secrets(of: &Loaded) -> Vec<(String, String)> {
    let weak = show::secrets(&of.settings).into_iter().filter(|held| {
        let secret = match held.kind {
            Kind::Secret => Some(held.value.clone()),
            _ => Url::parse(&held.value).ok().and_then(|url| url.password().map(str::to_owned)),
        };
        secret.is_some_and(|secret| is_weak(&secret))
    });
    weak.map(|held| (held.option, "its secret is one that anybody would try".to_owned())).collect()
}

fn is_weak(secret: &str) -> bool {
    let plain = secret.to_ascii_lowercase();
    let first = plain.bytes().next();
    secret.len() < SECRET_MIN
        || WEAK.contains(&plain.trim_end_matches(|c: char| c.is_ascii_digit()))
        || plain.bytes().all(|byte| Some(byte) == first)
}

/// Whether there is more to an address than where it is.
fn holds_secret(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return true };
    let path = match url.scheme() {
        // The number of a database, its name, the path of a socket.
        "redis" | "redis+unix" | "postgres" | "postgresql" => "",
        _ => url.path(),
    };
    let query = url.query().is_some() && !matches!(url.scheme(), "postgres" | "postgresql");
    url.password().is_some() || !matches!(path, "" | "/") || query
}

/// Whether an address may lead through networks of others.
fn is_public(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    match host.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local()),
        Ok(IpAddr::V6(ip)) => {
            !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local())
        }
        Err(_) => {
            let private = [".internal", ".local", ".localhost", ".svc", ".lan"];
            let inside = private.iter().any(|end| host.ends_with(end)) || host.contains(".svc.");
            host.contains('.') && !inside
        }
    }
}

/// What is wrong when others may read the file of options, and addresses in it may be secret.
pub(super) fn loose_file(loaded: &Loaded) -> Option<Fault> {
    let path = loaded.file.as_deref()?;
    open(loaded).next()?;
    let detail = secret::looseness(path)?;
    Some(Fault { origin: None, option: String::new(), detail })
}
