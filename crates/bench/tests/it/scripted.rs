//! A server that misbehaves as told, which real etcd cannot be made to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a connection does once it has answered so many calls; those after the last script answer for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    /// Says that it goes away, and looks at no further call.
    GoAway,
    /// Closes.
    Close,
    /// Sends the first bytes of a frame, and nothing more.
    HalfAFrame,
    /// Sends what is no HTTP/2.
    Garbage,
    /// Refuses every further call, as if it had no room.
    Refuse,
    /// Never says a word, not even to answer the greeting.
    Mute,
    /// Answers the next calls in the opposite order, two at a time.
    Reversed,
}

const PREFACE: usize = 24;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// An answer with revision `stream`, so that a test sees whose it is.
fn answer(stream: u32) -> Vec<u8> {
    let headers = [&[0x88, 0x0f, 16, 16][..], b"application/grpc"].concat();
    let [_, _, high, low] = stream.to_be_bytes();
    let revision = u32::from_be_bytes([0, 0, high, low]);
    let low = u8::try_from(revision & 0x7f).unwrap() | 0x80;
    let high = u8::try_from(revision >> 7 & 0x7f).unwrap();
    let message = [0x0a, 3, 0x18, low, high];
    let data = [&[0, 0, 0, 0, 5][..], &message].concat();
    let trailers = [&[0, 11][..], b"grpc-status", &[1], b"0"].concat();
    [
        frame(1, 4, stream, &headers),
        frame(0, 0, stream, &data),
        frame(1, 5, stream, &trailers),
    ]
    .concat()
}

/// Serves; the first connection, which asks for the status, and those beyond the scripts just answer.
pub(crate) async fn serve(
    scripts: &'static [(usize, Then)],
) -> (String, Arc<AtomicUsize>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let (mut serving, counted) = (JoinSet::new(), Arc::clone(&connections));
    serving.spawn(async move {
        let mut peers = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let number = counted.fetch_add(1, Ordering::Relaxed);
            let script = number
                .checked_sub(1)
                .and_then(|place| scripts.get(place).copied());
            peers.spawn(async move {
                // However the client leaves, that is all.
                let _ = answer_calls(stream, script).await;
            });
        }
    });
    (address, connections, serving)
}

async fn answer_calls(mut stream: TcpStream, script: Option<(usize, Then)>) -> std::io::Result<()> {
    let mut preface = [0; PREFACE];
    stream.read_exact(&mut preface).await?;
    if let Some((_, Then::Mute)) = script {
        // Ends when the other side does.
        stream.read_to_end(&mut Vec::new()).await?;
        return Ok(());
    }
    stream.write_all(&frame(4, 0, 0, &[])).await?;
    let (mut answered, mut waiting) = (0, None);
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await?;
        let is_settings = head[3] == 4 && head[4] & 1 == 0;
        if is_settings {
            stream.write_all(&frame(4, 1, 0, &[])).await?;
        }
        if head[3] == 0 && length > 0 {
            // There is room again on the connection.
            let room = u32::try_from(length).unwrap().to_be_bytes();
            stream.write_all(&frame(8, 0, 0, &room)).await?;
        }
        let is_call = head[3] == 0 && head[4] & 1 == 1;
        if !is_call {
            continue;
        }
        answered += 1;
        let is_first = script.is_some_and(|(calls, _)| answered == calls + 1);
        match script
            .filter(|(calls, _)| answered > *calls)
            .map(|(_, then)| then)
        {
            None => stream.write_all(&answer(id)).await?,
            Some(Then::GoAway) if is_first => {
                let last = [(id - 2).to_be_bytes(), [0; 4]].concat();
                stream.write_all(&frame(7, 0, 0, &last)).await?;
            }
            Some(Then::HalfAFrame) if is_first => {
                stream.write_all(&frame(0, 0, id, &[7; 100])[..20]).await?;
            }
            Some(Then::GoAway | Then::HalfAFrame | Then::Mute) => {}
            Some(Then::Refuse) => stream.write_all(&frame(3, 0, id, &[0, 0, 0, 7])).await?,
            Some(Then::Close) => return Ok(()),
            Some(Then::Garbage) => {
                stream
                    .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    .await?;
            }
            Some(Then::Reversed) => match waiting.take() {
                None => waiting = Some(id),
                Some(first) => {
                    stream
                        .write_all(&[answer(id), answer(first)].concat())
                        .await?;
                }
            },
        }
    }
}
