use std::time::Duration;

use tokio::io::{AsyncWriteExt, duplex};

use super::{FrameError, read_frame, write_frame};

const IDLE: Duration = Duration::from_secs(300);
const WHOLE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn frames_arrive_as_they_were_sent_up_to_the_limit() {
    for length in [0usize, 1, 4, 1024] {
        let (mut near, mut far) = duplex(64 * 1024);
        let body: Vec<u8> = (0..length).map(|at| at as u8).collect();
        write_frame(&mut near, &body, 1024, WHOLE).await.unwrap();
        assert_eq!(read_frame(&mut far, 1024, IDLE, WHOLE).await.unwrap(), Some(body));
        drop(near);
        assert_eq!(read_frame(&mut far, 1024, IDLE, WHOLE).await.unwrap(), None);
    }
    let (mut near, mut far) = duplex(64);
    let refused = write_frame(&mut near, &[0; 1025], 1024, WHOLE).await;
    assert!(matches!(refused, Err(FrameError::TooLarge(1025))));
    near.write_all(&1025u32.to_be_bytes()).await.unwrap();
    let refused = read_frame(&mut far, 1024, IDLE, WHOLE).await;
    assert!(matches!(refused, Err(FrameError::TooLarge(1025))));
}

#[tokio::test(start_paused = true)]
async fn a_slow_frame_times_out_and_an_idle_peer_ends() {
    // Each byte comes in time, the frame does not.
    let (mut near, mut far) = duplex(64);
    let dripping = async {
        for byte in 10u32.to_be_bytes().into_iter().chain([0; 10]) {
            near.write_all(&[byte]).await.unwrap();
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    };
    let (_, read) = tokio::join!(dripping, read_frame(&mut far, 64, IDLE, WHOLE));
    assert!(matches!(read, Err(FrameError::Slow(_))), "{read:?}");

    let (near, mut far) = duplex(64);
    assert!(matches!(read_frame(&mut far, 64, IDLE, WHOLE).await, Ok(None)));
    drop(near);

    let (_unread, mut far) = duplex(8);
    let written = write_frame(&mut far, &[0; 64], 64, WHOLE).await;
    assert!(matches!(written, Err(FrameError::Slow(_))), "a peer that never reads");
}

#[tokio::test]
async fn half_a_frame_is_an_error_not_an_end() {
    let (mut near, mut far) = duplex(64);
    near.write_all(&[0, 0, 0, 9, 1]).await.unwrap();
    drop(near);
    let read = read_frame(&mut far, 64, IDLE, WHOLE).await;
    assert!(matches!(read, Err(FrameError::Io(_))), "{read:?}");
}
