//! Where messages come from: facts that are committed, or a line to the broadcaster.

use super::broadcaster::Process;
use crate::server::Server;
use anyhow::Result;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::time::Instant;
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// Bytes of a message, about.
pub const MESSAGE: usize = 600;
/// What the envelope takes of it.
const ENVELOPE: usize = 220;

const RECORD: &str = "insert into outbox (topic, kind, reverting, attributes, data)
                      values ('items', 'item_transferred', false, $1, $2)";

pub enum Source {
    Engine { connection: PgConnection, from: i64 },
    Bare { line: TcpStream },
}

impl Source {
    pub async fn engine(server: &Server) -> Result<Self> {
        let mut connection = PgConnection::connect(&server.database_url()).await?;
        let sql = "select seq from topics where topic = 'items'";
        let from = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
        Ok(Self::Engine { connection, from })
    }

    pub async fn bare(process: &Process) -> Result<Self> {
        Ok(Self::Bare { line: TcpStream::connect(&process.control).await? })
    }

    /// The number before the first.
    pub fn from(&self) -> i64 {
        match self {
            Self::Engine { from, .. } => *from,
            Self::Bare { .. } => 0,
        }
    }

    /// Have the next message told; when it was handed over.
    pub async fn tell(&mut self) -> Result<Instant> {
        match self {
            Self::Engine { connection, .. } => {
                let attributes = json!({ "owner": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8" });
                let data = json!({ "text": "x".repeat(MESSAGE - ENVELOPE) });
                let insert = sqlx::query(RECORD).bind(attributes).bind(data);
                insert.execute(connection).await?;
                Ok(Instant::now())
            }
            Self::Bare { line } => {
                let now = Instant::now();
                line.write_all(b"\n").await?;
                Ok(now)
            }
        }
    }
}
