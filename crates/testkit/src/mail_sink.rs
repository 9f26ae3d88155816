//! An SMTP server (`aiosmtpd`, `tools/smtp-sink.py`) that keeps what is sent to it.

use crate::tools;
use serde_json::Value;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// A server of one test; ends with it.
#[derive(Debug)]
pub struct MailSink {
    pub port: u16,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

/// Start a server that takes everything.
pub async fn mail_sink() -> MailSink {
    let script = crate::database::workspace().join("tools/smtp-sink.py");
    let mut process = Command::new(tools().join("../venv/bin/python"))
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let input = process.stdin.take().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = output.next_line().await.unwrap().expect("the sink says where it is");
    let said: Value = serde_json::from_str(&line).unwrap();
    let port = said["port"].as_u64().unwrap().try_into().unwrap();
    MailSink { port, input, output, _process: process }
}

impl MailSink {
    /// What it does from now on: `take`, `later`, `never` or `hang`.
    pub async fn set(&mut self, mode: &str) {
        self.input.write_all(format!("{mode}\n").as_bytes()).await.unwrap();
        let said = self.next().await.expect("it says so");
        assert_eq!(said["mode"], mode);
    }

    /// The next letter: `from`, `to`, `data`.
    pub async fn letter(&mut self) -> Value {
        let letter = timeout(Duration::from_secs(60), self.next()).await.expect("a letter");
        letter.expect("a letter")
    }

    async fn next(&mut self) -> Option<Value> {
        let line = self.output.next_line().await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }
}
