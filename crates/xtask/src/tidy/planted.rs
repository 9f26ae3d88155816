//! Faults planted for tests stay out of the product: only the dev-dependency of a crate on itself
//! may turn them on, which no build but that of its own tests follows.

use super::{Findings, Repository, packages::Package};

const RULE: &str = "planted";
const FEATURE: &str = "planted-faults";

pub fn check(repository: &Repository, findings: &mut Findings) {
    for package in repository.crates() {
        let manifest = format!("crates/{}/Cargo.toml", package.name);
        for wrong in wrong(package) {
            findings.add(&manifest, 1, RULE, format!("{wrong} turns on `{FEATURE}`"));
        }
    }
}

/// What of a manifest turns the feature on and may not.
fn wrong(package: &Package) -> Vec<String> {
    let on =
        |names: &[String]| names.iter().any(|name| name.rsplit(['/', ':']).next() == Some(FEATURE));
    let own_tests = |name: &str, dev: bool| dev && name == package.name;
    let dependencies = package
        .dependencies
        .iter()
        .filter(|d| on(&d.features) && !own_tests(&d.name, d.dev))
        .map(|d| format!("the dependency on `{}`", d.name));
    let features = package
        .features
        .iter()
        .filter(|(_, turns_on)| on(turns_on))
        .map(|(name, _)| format!("the feature `{name}`"));
    dependencies.chain(features).collect()
}

#[cfg(test)]
mod tests {
    use super::{FEATURE, wrong};
    use crate::tidy::packages::{Dependency, Package};

    fn on(name: &str, dev: bool, feature: &str) -> Package {
        let features = vec!["other".to_owned(), feature.to_owned()];
        Package {
            name: "a".to_owned(),
            dependencies: vec![Dependency { name: name.to_owned(), dev, features }],
            ..Package::default()
        }
    }

    #[test]
    fn only_a_crates_own_tests_turn_it_on() {
        assert!(wrong(&on("a", true, FEATURE)).is_empty());
        assert!(wrong(&on("b", false, "failpoints")).is_empty());
        assert_eq!(wrong(&on("b", false, FEATURE)).len(), 1);
        assert_eq!(wrong(&on("b", true, FEATURE)).len(), 1, "tests of others share their builds");
    }

    #[test]
    fn no_other_feature_brings_it_along() {
        let package = |turns_on: &str| Package {
            features: vec![
                (FEATURE.to_owned(), Vec::new()),
                ("default".to_owned(), vec![turns_on.to_owned()]),
            ],
            ..Package::default()
        };
        assert!(wrong(&package("failpoints")).is_empty());
        for turns_on in [FEATURE, "transactor/planted-faults", "transactor?/planted-faults"] {
            assert_eq!(wrong(&package(turns_on)).len(), 1, "{turns_on}");
        }
    }
}
