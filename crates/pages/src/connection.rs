//! Visitors of the HTTP door: how many at a time, and for how long. hyper waits for ever for the rest of a header, and
//! whoever opens connections and says nothing would take the descriptors that the mail doors need.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

/// How long a connection lasts, whatever passes over it. What this door serves is small; a browser connects again.
const VISIT: Duration = Duration::from_secs(60);

/// How long to wait when the system gives no more sockets.
const BREATH: Duration = Duration::from_millis(100);

/// The listener of the HTTP door.
pub(super) struct Visits<A> {
    listener: TcpListener,
    admit: A,
}

impl<A> Visits<A> {
    /// `admit` gives a peer its place, or none.
    pub(super) fn new(listener: TcpListener, admit: A) -> Self {
        Self { listener, admit }
    }
}

impl<A, E> Listener for Visits<A>
where
    A: Fn(IpAddr) -> Option<E> + Send + 'static,
    E: Send + Unpin + 'static,
{
    type Io = Visit<E>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit<E>, SocketAddr) {
        loop {
            match self.listener.accept().await {
                // Who finds no place hears nothing: there is nothing to say before a request is read.
                Ok((stream, peer)) => {
                    if let Some(entry) = (self.admit)(peer.ip().to_canonical()) {
                        return (Visit::new(stream, entry, VISIT), peer);
                    }
                }
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection; after its time it fails.
pub(super) struct Visit<E> {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    /// The place, free again when this is dropped.
    _entry: E,
}

impl<E> Visit<E> {
    fn new(stream: TcpStream, entry: E, lasts: Duration) -> Self {
        Self { stream, end: Box::pin(tokio::time::sleep(lasts)), _entry: entry }
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(context).is_ready()
    }
}

impl<E: Unpin> AsyncRead for Visit<E> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<E: Unpin> AsyncWrite for Visit<E> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_visit_ends() {
        let mut visits = Visits::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), |_| Some(()));
        let mut client = TcpStream::connect(visits.local_addr().unwrap()).await.unwrap();
        let (mut visit, _) = visits.accept().await;
        visit.end = Box::pin(tokio::time::sleep(Duration::from_millis(50)));
        client.write_all(b"GET / HT").await.unwrap();
        let mut octets = Vec::new();
        assert_eq!(visit.read_to_end(&mut octets).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(octets, b"GET / HT");
        assert_eq!(visit.write(b"x").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
