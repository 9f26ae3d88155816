//! When an attempt that failed is made again. Pure.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Pauses after the first, second, … failed attempt, as Standard Webhooks 1.0 counsels. When they
/// are used up the delivery has failed.
pub const SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// An endpoint may ask for this much patience.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * HOUR);

/// Until the next attempt, after `tries` of them; none: that was the last. `chance` in `0..1` makes
/// it up to a tenth longer, so that many failures of one moment don't come back in one moment.
pub(crate) fn pause(
    tries: u32,
    scale: f64,
    retry_after: Option<Duration>,
    chance: f64,
) -> Option<Duration> {
    let place = usize::try_from(tries.checked_sub(1)?).ok()?;
    let planned = SCHEDULE.get(place)?.mul_f64(scale * (1.0 + chance / 10.0));
    Some(planned.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_are_made_over_three_days() {
        let pauses: Vec<Duration> = (1..).map_while(|tries| pause(tries, 1.0, None, 0.0)).collect();
        assert_eq!(pauses, SCHEDULE);
        let total: Duration = pauses.iter().sum();
        assert_eq!(total.as_secs(), 5 + 35 * MINUTE + (2 + 5 + 10 + 14 + 20 + 24) * HOUR);
    }

    #[test]
    fn chance_scale_and_the_endpoint_change_a_pause() {
        let five = Duration::from_secs(5);
        assert_eq!(pause(1, 1.0, None, 1.0), Some(Duration::from_millis(5_500)));
        assert_eq!(pause(1, 0.01, None, 0.0), Some(Duration::from_millis(50)));
        assert_eq!(pause(1, 1.0, Some(Duration::from_secs(60)), 0.0), Some(12 * five));
        assert_eq!(pause(1, 1.0, Some(Duration::from_secs(1)), 0.0), Some(five));
        assert_eq!(pause(1, 1.0, Some(Duration::MAX), 0.0), Some(RETRY_AFTER_MAX));
        assert_eq!(pause(10, 1.0, Some(five), 0.0), None, "asking for patience is no eleventh");
    }
}
