//! What the server measured of itself meanwhile, from `/metrics`.

use crate::server::DevFile;
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;

/// Histograms worth showing: the name here, that of the series, and the factor of its unit.
const SERIES: [(&str, &str, f64); 6] = [
    ("queued_to_reserved_ms", r#"transactor_stage_seconds{stage="queued_to_reserved"#, 1e3),
    ("reserved_to_sent_ms", r#"transactor_stage_seconds{stage="reserved_to_sent"#, 1e3),
    ("reserved_to_mined_ms", r#"transactor_stage_seconds{stage="reserved_to_mined"#, 1e3),
    ("indexer_commit_ms", "indexer_commit_seconds", 1e3),
    ("indexer_head_to_commit_ms", "indexer_head_to_commit_seconds", 1e3),
    ("batch_items", "mint_batch_items", 1.0),
];

/// Sums and counts so far.
#[derive(Clone, Debug, Default)]
pub struct Stages(BTreeMap<&'static str, (f64, f64)>);

/// Means over a time.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Means(pub BTreeMap<&'static str, f64>);

impl Stages {
    pub async fn load(dev: &DevFile) -> Result<Self> {
        let url = format!("{}/metrics", dev.http);
        let answer = reqwest::Client::new().get(url).send();
        Ok(Self::parse(&answer.await?.error_for_status()?.text().await?))
    }

    fn parse(text: &str) -> Self {
        let mut found = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            for (name, wanted, factor) in SERIES {
                let (metric, labels) = wanted.split_once('{').unwrap_or((wanted, ""));
                let Some(rest) = series.strip_prefix(metric) else { continue };
                let (sum, count): &mut (f64, f64) = found.entry(name).or_default();
                if rest.starts_with("_sum") && rest.contains(labels) {
                    *sum += value * factor;
                } else if rest.starts_with("_count") && rest.contains(labels) {
                    *count += value;
                }
            }
        }
        Self(found)
    }

    /// Means of what came after `earlier`; stages that nothing went through are left out.
    pub fn since(&self, earlier: &Self) -> Means {
        let mean = |(name, (sum, count)): (&&'static str, &(f64, f64))| {
            let (sum_before, count_before) = earlier.0.get(name).copied().unwrap_or_default();
            let (sum, count) = (sum - sum_before, count - count_before);
            (count > 0.0).then(|| (*name, crate::quantile::rounded(sum / count)))
        };
        Means(self.0.iter().filter_map(mean).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_the_time_between() {
        let text = |n: f64| {
            format!(
                "# TYPE mint_batch_items histogram\nmint_batch_items_sum {}\n\
                 mint_batch_items_count {}\n\
                 transactor_stage_seconds_sum{{stage=\"reserved_to_sent\"}} {}\n\
                 transactor_stage_seconds_count{{stage=\"reserved_to_sent\"}} {}\n\
                 indexer_commit_seconds_sum{{chain=\"1\"}} 3\n\
                 indexer_commit_seconds_count{{chain=\"1\"}} 3\n",
                n * 64.0,
                n,
                n * 0.5,
                n
            )
        };
        let means = Stages::parse(&text(5.0)).since(&Stages::parse(&text(2.0)));
        let expected = BTreeMap::from([("batch_items", 64.0), ("reserved_to_sent_ms", 500.0)]);
        assert_eq!(means.0, expected);
    }
}
