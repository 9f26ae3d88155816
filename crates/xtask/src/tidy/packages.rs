//! What cargo says about packages.

use crate::workspace::{command, output};
use anyhow::{Context, Result};
use serde_json::Value;

/// One package of the build.
#[derive(Clone, Debug, Default)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub licence: Option<String>,
    /// A member of this workspace.
    pub ours: bool,
    pub dependencies: Vec<Dependency>,
    /// Its own features, each with what it turns on.
    pub features: Vec<(String, Vec<String>)>,
}

/// A line of a manifest.
#[derive(Clone, Debug, Default)]
pub struct Dependency {
    pub name: String,
    /// Only for tests.
    pub dev: bool,
    /// Features that it turns on.
    pub features: Vec<String>,
}

/// Every package in the build for this host.
pub fn load() -> Result<Vec<Package>> {
    let version = output(command("rustc", &["--version", "--verbose"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc names no host")?;
    let arguments = ["metadata", "--format-version=1", "--locked", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&output(command("cargo", &arguments))?)?;
    let list = metadata["packages"].as_array().context("no packages")?;
    Ok(list.iter().map(package).collect())
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let dependencies = value["dependencies"].as_array().into_iter().flatten();
    Package {
        name: text(&value["name"]),
        version: text(&value["version"]),
        licence: value["license"].as_str().map(str::to_owned),
        ours: value["source"].is_null(),
        dependencies: dependencies
            .map(|d| Dependency {
                name: text(&d["name"]),
                dev: d["kind"] == "dev",
                features: texts(&d["features"]),
            })
            .collect(),
        features: value["features"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, on)| (name.clone(), texts(on)))
            .collect(),
    }
}
