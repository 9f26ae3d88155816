//! Frames on the socket: length as u32 big endian, then that many bytes of JSON.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{error::Elapsed, timeout},
};

/// Largest request in bytes.
pub const REQUEST_BYTES_MAX: usize = 1 << 20;
/// Largest answer in bytes: 16 variants of the largest transaction in hexadecimal fit.
pub(crate) const RESPONSE_BYTES_MAX: usize = 6 << 20;

#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("frame of {0} bytes is too large")]
    TooLarge(usize),
    #[error("frame did not arrive in time")]
    Slow(#[from] Elapsed),
    #[error("broken stream")]
    Io(#[from] io::Error),
}

/// Reads one frame. Waits `idle` for its first byte and, from then, `whole` for the rest.
/// `None`: the peer closed the stream between frames, or stayed idle.
pub(crate) async fn read_frame<R: AsyncRead + Unpin>(
    stream: &mut R,
    bytes_max: usize,
    idle: Duration,
    whole: Duration,
) -> Result<Option<Vec<u8>>, FrameError> {
    let mut head = [0u8; 4];
    match timeout(idle, stream.read(&mut head[..1])).await {
        Err(_) => return Ok(None),
        Ok(read) => {
            if read? == 0 {
                return Ok(None);
            }
        }
    }
    let body = timeout(whole, async {
        stream.read_exact(&mut head[1..]).await?;
        let length = u32::from_be_bytes(head) as usize;
        if length > bytes_max {
            return Err(FrameError::TooLarge(length));
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        Ok(body)
    })
    .await??;
    Ok(Some(body))
}

/// Writes one frame within `whole`.
pub(crate) async fn write_frame<W: AsyncWrite + Unpin>(
    stream: &mut W,
    body: &[u8],
    bytes_max: usize,
    whole: Duration,
) -> Result<(), FrameError> {
    let length = u32::try_from(body.len())
        .ok()
        .filter(|_| body.len() <= bytes_max)
        .ok_or(FrameError::TooLarge(body.len()))?;
    timeout(whole, async {
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(body).await?;
        stream.flush().await
    })
    .await??;
    Ok(())
}

#[cfg(test)]
mod tests;
