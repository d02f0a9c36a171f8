//! A network between a client and a server on one machine: all bytes arrive a while after they were sent.
//!
//! For each direction one thread reads and notes the time, and another one waits until a piece is due. So pieces that
//! follow each other are delayed once, not one after another. Threads, because a timer of the runtime is no finer than a
//! millisecond.

#![expect(clippy::disallowed_methods, reason = "it is a server with threads of its own")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How much of what was sent and is not due is kept.
const PIECES: usize = 1_024;

/// Begins to pass connections on to `server`, each byte after `delay`; returns where it listens. It goes on until the
/// process ends.
///
/// # Errors
///
/// There is no free port.
pub fn delayed(server: SocketAddr, delay: Duration) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(server) else { continue };
            // A connection that fails ends, and its two ends see that.
            let _ = pass(&client, &server, delay).and_then(|()| pass(&server, &client, delay));
        }
    });
    Ok(address)
}

fn pass(from: &TcpStream, to: &TcpStream, delay: Duration) -> std::io::Result<()> {
    to.set_nodelay(true)?;
    let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
    let (pieces, due) = mpsc::sync_channel::<(Instant, Vec<u8>)>(PIECES);
    thread::spawn(move || {
        let mut piece = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if pieces.send((Instant::now() + delay, piece[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (at, piece) in due {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                return;
            }
        }
        // The other side has ended; its end is told on. It may have been before.
        let _ = to.shutdown(Shutdown::Write);
    });
    Ok(())
}
