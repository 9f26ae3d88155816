/// What went wrong between us and Postgres. A caller may retry [`DbError::Unavailable`] and
/// [`DbError::Serialization`]; after a lost commit it must look at what is there.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("the database is not reachable")]
    Unavailable(#[source] sqlx::Error),
    #[error("the transaction lost against a rival")]
    Serialization(#[source] sqlx::Error),
    #[error("the row violates `{constraint}`")]
    Constraint { constraint: String, source: sqlx::Error },
    #[error("a query failed")]
    Query(#[source] sqlx::Error),
    #[error("the schema could not be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl DbError {
    /// True when the same call may succeed later without any change of ours.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Serialization(_))
    }

    /// Name of the violated constraint, if that is what happened.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint { constraint, .. } => Some(constraint),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Io(_) | E::PoolTimedOut | E::PoolClosed | E::Protocol(_) | E::WorkerCrashed => {
                Self::Unavailable(error)
            }
            E::Database(d) => match d.code().as_deref() {
                // 57P01..03: shutting down or starting up; 08*: connection lost; 53*: out of room.
                Some(c) if c.starts_with("57P0") || c.starts_with("08") || c.starts_with("53") => {
                    Self::Unavailable(error)
                }
                Some("40001" | "40P01") => Self::Serialization(error),
                Some(c) if c.starts_with("23") => Self::Constraint {
                    constraint: d.constraint().unwrap_or_default().to_owned(),
                    source: error,
                },
                _ => Self::Query(error),
            },
            _ => Self::Query(error),
        }
    }
}
