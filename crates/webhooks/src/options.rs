use outbound::{Allowed, GateOptions, NotAllowable, Ports};
use std::time::Duration;

/// How endpoints are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Off, nothing is sent; endpoints can be made all the same.
    pub enabled: bool,
    /// Networks, addresses, `HOST` or `HOST:PORT` that may be asked although they are not public,
    /// by plain HTTP too.
    pub allowed_networks: Vec<String>,
    /// Plain HTTP to anybody.
    pub http: bool,
    pub connect_time: Duration,
    /// Time for one attempt, the name's resolution and the answer's beginning included.
    pub attempt_time: Duration,
    /// Attempts under way at once.
    pub in_flight_max: usize,
    /// Of those at one endpoint that answers well.
    pub endpoint_in_flight_max: usize,
    /// Attempts under way at endpoints that failed last or are slow now, of which each has one.
    pub troubled_max: usize,
    /// An attempt that takes longer makes its endpoint one of those.
    pub slow: Duration,
    /// Deliveries of one endpoint that wait in rows.
    pub pending_max: u32,
    /// Facts of a topic that are looked at in one commit.
    pub batch_max: u32,
    /// Endpoints of one principal.
    pub endpoints_max: u32,
    /// An endpoint at which all attempts failed for so long is disabled.
    pub patience: Duration,
    /// The schedule's pauses, and `patience`, are multiplied by it: below 1 for tests.
    pub time_scale: f64,
    /// How long what has ended is kept.
    pub log_time: Duration,
    /// And how many of one endpoint.
    pub log_max: u32,
    /// Between two looks for what has fallen due.
    pub tick: Duration,
    /// How long a dead process blocks its successor.
    pub lease: Duration,
}

impl Default for Options {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            enabled: true,
            allowed_networks: Vec::new(),
            http: false,
            connect_time: Duration::from_secs(5),
            attempt_time: Duration::from_secs(15),
            in_flight_max: 512,
            endpoint_in_flight_max: 4,
            troubled_max: 256,
            slow: Duration::from_secs(1),
            pending_max: 1_000,
            batch_max: 500,
            endpoints_max: 100,
            patience: 5 * DAY,
            time_scale: 1.0,
            log_time: 30 * DAY,
            log_max: 10_000,
            tick: Duration::from_millis(250),
            lease: Duration::from_secs(5),
        }
    }
}

/// What is wrong with [`Options`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error(transparent)]
    AllowedNetworks(#[from] NotAllowable),
    #[error("must not be above the time of an attempt")]
    ConnectTime,
    #[error("must not be above the attempts under way at once")]
    TroubledMax,
}

impl Options {
    /// What may be reached.
    ///
    /// # Errors
    /// [`OptionsError::AllowedNetworks`]
    pub fn gate(&self) -> Result<GateOptions, OptionsError> {
        let allowed = Allowed::parse(&self.allowed_networks)?;
        Ok(GateOptions { allowed, http: self.http, ports: Ports::WebAndHigh })
    }

    /// # Errors
    /// The first fault found.
    pub fn check(&self) -> Result<(), OptionsError> {
        self.gate()?;
        if self.connect_time > self.attempt_time {
            return Err(OptionsError::ConnectTime);
        }
        if self.troubled_max > self.in_flight_max {
            return Err(OptionsError::TroubledMax);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found() {
        let with = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check()
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|o| o.allowed_networks = vec!["127.0.0.0/8".to_owned()]), Ok(()));
        let refused = with(|o| o.allowed_networks = vec!["a/b".to_owned()]);
        assert_eq!(refused, Err(OptionsError::AllowedNetworks(NotAllowable)));
        let refused = with(|o| o.connect_time = Duration::from_secs(16));
        assert_eq!(refused, Err(OptionsError::ConnectTime));
        assert_eq!(with(|o| o.troubled_max = 513), Err(OptionsError::TroubledMax));
    }
}
