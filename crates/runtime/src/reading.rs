//! Values of metrics, read back from what a process tells of them.

use std::collections::BTreeMap;

/// All metrics as they stood at one moment.
#[derive(Clone, Debug)]
pub struct Reading(String);

impl Reading {
    /// Of the Prometheus text format.
    pub(crate) fn of(text: String) -> Self {
        Self(text)
    }

    /// The values of a metric, with their labels as they are written.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.rsplit_once("} ")?,
                None => ("", rest.strip_prefix(' ')?),
            };
            Some((labels, value.parse().ok()?))
        })
    }

    /// Of those whose labels hold `part`, written `name="value`; the empty text holds for all. 0
    /// when there is none.
    #[must_use]
    pub fn sum(&self, name: &str, part: &str) -> f64 {
        self.values(name).filter(|(labels, _)| labels.contains(part)).map(|(_, value)| value).sum()
    }

    /// The highest of all; 0 when there is none.
    #[must_use]
    pub fn highest(&self, name: &str) -> f64 {
        self.values(name).map(|(_, value)| value).fold(0.0, f64::max)
    }

    /// How many were counted up to each bound of a histogram, over all its labels.
    #[must_use]
    pub fn buckets(&self, name: &str) -> Buckets {
        let mut all = BTreeMap::new();
        for (labels, count) in self.values(&format!("{name}_bucket")) {
            let Some((_, rest)) = labels.split_once("le=\"") else { continue };
            let bound = rest.split('"').next().unwrap_or_default();
            let bound = if bound == "+Inf" { Ok(f64::INFINITY) } else { bound.parse() };
            if let Ok(bound) = bound {
                *all.entry(Bound(bound)).or_default() += count;
            }
        }
        Buckets(all)
    }
}

/// How many were counted up to each bound.
#[derive(Clone, Debug, Default)]
pub struct Buckets(BTreeMap<Bound, f64>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Bound(f64);

impl Eq for Bound {}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Buckets {
    /// The bound below which this part of all lies that came since `before`. 0 when none came; of
    /// what is above the last bound, that one.
    #[must_use]
    pub fn quantile_since(&self, before: &Self, part: f64) -> f64 {
        let since = |(bound, count): (&Bound, &f64)| {
            (bound.0, count - before.0.get(bound).copied().unwrap_or_default())
        };
        let counts: Vec<(f64, f64)> = self.0.iter().map(since).collect();
        let all = counts.last().map_or(0.0, |(_, count)| *count);
        if all <= 0.0 {
            return 0.0;
        }
        let found = counts.iter().find(|(_, count)| *count >= all * part);
        let last = counts.iter().rev().map(|(bound, _)| *bound).find(|bound| bound.is_finite());
        found.map_or(0.0, |(bound, _)| *bound).min(last.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE requests_total counter\n\
        requests_total{route=\"/x\",status=\"200\"} 7\n\
        requests_total{route=\"/y} 9\",status=\"503\"} 2\n\
        requests_total_other 100\n\
        depth{role=\"a\"} 3\n\
        depth{role=\"b\"} 5.5\n\
        plain 4\n\
        time_bucket{route=\"/x\",le=\"0.1\"} 8\n\
        time_bucket{route=\"/x\",le=\"1\"} 9\n\
        time_bucket{route=\"/x\",le=\"+Inf\"} 10\n\
        time_bucket{route=\"/y\",le=\"0.1\"} 90\n\
        time_bucket{route=\"/y\",le=\"1\"} 90\n\
        time_bucket{route=\"/y\",le=\"+Inf\"} 90\n";

    #[test]
    fn values_are_read_by_name_and_label() {
        let reading = Reading::of(TEXT.to_owned());
        assert_eq!(reading.sum("requests_total", ""), 9.0);
        assert_eq!(reading.sum("requests_total", "status=\"5"), 2.0);
        assert_eq!(reading.sum("requests_total", "status=\"4"), 0.0);
        assert_eq!((reading.sum("depth", ""), reading.highest("depth")), (8.5, 5.5));
        assert_eq!((reading.sum("plain", ""), reading.sum("none", "")), (4.0, 0.0));
    }

    #[test]
    fn quantiles_are_of_what_came_since() {
        let now = Reading::of(TEXT.to_owned()).buckets("time");
        let none = Buckets::default();
        let found = [0.5, 0.98, 0.99, 1.0].map(|part| now.quantile_since(&none, part));
        assert_eq!(found, [0.1, 0.1, 1.0, 1.0]);
        assert_eq!(now.quantile_since(&now, 0.5), 0.0);
        let before = TEXT.replace("} 90", "} 80").replace("\"0.1\"} 8\n", "\"0.1\"} 0\n");
        let before = Reading::of(before).buckets("time");
        assert_eq!(now.quantile_since(&before, 0.99), 0.1);
    }
}
