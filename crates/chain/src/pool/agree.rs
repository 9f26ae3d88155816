//! Decisions of value: two endpoints must say the same.

use crate::{Chain, Endpoint, RpcError};
use futures_util::future::{BoxFuture, join_all};
use std::time::Duration;
use tokio::time::timeout;

/// What several endpoints said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement<T> {
    /// All asked gave this answer.
    Agreed(T),
    /// All answered, not all the same. Somebody errs or lies.
    Disagree,
    /// Not all answered, or there were not enough to ask. It says nothing, and never "no".
    Unknown,
}

impl<T> Agreement<T> {
    /// What was agreed on.
    #[must_use]
    pub fn agreed(self) -> Option<T> {
        match self {
            Self::Agreed(value) => Some(value),
            Self::Disagree | Self::Unknown => None,
        }
    }
}

/// How many must agree on a decision of value, where there are as many.
pub const QUORUM: usize = 2;

impl Chain {
    /// Ask [`QUORUM`] endpoints (one, when the chain has one) the same. Endpoints that rest or are
    /// kept out count as missing, so that with two configured and one away nothing is decided.
    /// `what` names the decision in metrics and logs.
    pub async fn agree<'a, T, F>(&'a self, what: &'static str, call: F) -> Agreement<T>
    where
        T: PartialEq + Send + 'a,
        F: Fn(Endpoint) -> BoxFuture<'a, Result<T, RpcError>>,
    {
        let pool = &self.endpoints;
        let asked: Vec<usize> =
            pool.order().into_iter().filter(|place| pool.enter(*place)).take(QUORUM).collect();
        let agreement = if asked.is_empty() || asked.len() < QUORUM.min(pool.len()) {
            Agreement::Unknown
        } else {
            let deadline = pool.options().agree_within;
            let calls = asked.iter().filter_map(|place| {
                let call = call(pool.get(*place)?.clone());
                Some(self.answer(*place, call, deadline))
            });
            compare(join_all(calls).await)
        };
        let outcome = match agreement {
            Agreement::Agreed(_) => "agreed",
            Agreement::Disagree => "disagree",
            Agreement::Unknown => "unknown",
        };
        metrics::counter!("rpc_agreements_total", "what" => what, "outcome" => outcome)
            .increment(1);
        if agreement == Agreement::Disagree {
            let hosts: Vec<String> = asked.iter().map(|place| pool.name(*place)).collect();
            tracing::error!(what, ?hosts, "endpoints disagree; nothing is decided");
            asked.iter().for_each(|place| pool.alert(*place, "disagreement"));
        }
        agreement
    }

    async fn answer<T>(
        &self,
        place: usize,
        call: BoxFuture<'_, Result<T, RpcError>>,
        deadline: Duration,
    ) -> Result<T, RpcError> {
        let answer = async {
            self.identify(place).await?;
            call.await
        };
        timeout(deadline, answer).await.unwrap_or_else(|_| {
            self.endpoints.iter().skip(place).take(1).for_each(Endpoint::note_missed);
            Err(RpcError::TimedOut(deadline))
        })
    }
}

fn compare<T: PartialEq>(answers: Vec<Result<T, RpcError>>) -> Agreement<T> {
    let mut answers = answers.into_iter();
    let Some(Ok(first)) = answers.next() else { return Agreement::Unknown };
    let mut same = true;
    for answer in answers {
        match answer {
            Ok(other) => same &= other == first,
            Err(_) => return Agreement::Unknown,
        }
    }
    if same { Agreement::Agreed(first) } else { Agreement::Disagree }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_makes_it_unknown() {
        let late = || Err(RpcError::TimedOut(Duration::ZERO));
        let cases = [
            (Vec::<Result<u8, RpcError>>::new(), Agreement::Unknown),
            (vec![Ok(1)], Agreement::Agreed(1)),
            (vec![Ok(1), Ok(1)], Agreement::Agreed(1)),
            (vec![Ok(1), Ok(2)], Agreement::Disagree),
            (vec![Ok(1), late()], Agreement::Unknown),
            (vec![Ok(1), Ok(2), late()], Agreement::Unknown),
        ];
        for (answers, expect) in cases {
            assert_eq!(compare(answers), expect);
        }
    }
}
