//! Connections of browsers: how many at a time, and for how long. hyper waits without limit for the rest of a header, and
//! a peer that opens connections and says nothing would take the descriptors that the mail protocols need.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

/// How long a connection lasts, whatever passes over it. What is served here is small; a browser connects again.
const CONNECTION_TIME: Duration = Duration::from_secs(60);

/// How long to wait when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that lets in whom `admit` lets in.
pub(crate) struct Connections<A> {
    listener: TcpListener,
    admit: A,
}

impl<A> Connections<A> {
    /// `admit` gives a peer its place, or none.
    pub(crate) fn new(listener: TcpListener, admit: A) -> Self {
        Self { listener, admit }
    }
}

impl<A, P> Listener for Connections<A>
where
    A: Fn(IpAddr) -> Option<P> + Send + 'static,
    P: Send + Unpin + 'static,
{
    type Io = Connection<P>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection<P>, SocketAddr) {
        loop {
            match self.listener.accept().await {
                // A peer without a place gets no answer: there is nothing to say before a request is read.
                Ok((stream, peer)) => {
                    if let Some(place) = (self.admit)(peer.ip().to_canonical()) {
                        return (Connection::new(stream, place, CONNECTION_TIME), peer);
                    }
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection; after its time it fails.
pub(crate) struct Connection<P> {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    /// The place, free again when this is dropped.
    _place: P,
}

impl<P> Connection<P> {
    fn new(stream: TcpStream, place: P, lasts: Duration) -> Self {
        Self { stream, end: Box::pin(tokio::time::sleep(lasts)), _place: place }
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(context).is_ready()
    }
}

impl<P: Unpin> AsyncRead for Connection<P> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<P: Unpin> AsyncWrite for Connection<P> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
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
    async fn a_connection_ends() {
        let mut connections = Connections::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), |_| Some(()));
        let mut client = TcpStream::connect(connections.local_addr().unwrap()).await.unwrap();
        let (mut connection, _) = connections.accept().await;
        connection.end = Box::pin(tokio::time::sleep(Duration::from_millis(50)));
        client.write_all(b"GET / HT").await.unwrap();
        let mut bytes = Vec::new();
        assert_eq!(connection.read_to_end(&mut bytes).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(bytes, b"GET / HT");
        assert_eq!(connection.write(b"x").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
