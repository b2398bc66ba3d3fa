//! A connection's bytes: a socket, in the clear or under TLS.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use vault::ChannelBinding;
use zeroize::Zeroize;

/// How long a peer may take for its part of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// How long a peer is still read from after the last reply. Closing a socket with unread bytes in it resets the
/// connection, and the reset may overtake the reply.
const LINGER: Duration = Duration::from_secs(2);

/// How many bytes are still read then.
const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// How much is read at once: most messages arrive in one piece.
const READ_BYTES: usize = 64 * 1024;

/// A connection's two directions.
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer).await,
            Self::Tls(stream) => stream.read(buffer).await,
        }
    }

    /// Passes what arrived to `take` and returns its length in bytes, 0 at the end. The buffer is on the stack, and only
    /// while bytes are copied: a waiting connection has none, and most connections wait.
    pub(crate) async fn read_with(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<usize> {
        std::future::poll_fn(|context| {
            let mut place = [const { MaybeUninit::uninit() }; READ_BYTES];
            let mut buffer = ReadBuf::uninit(&mut place);
            let polled = match self {
                Self::Plain(stream) => Pin::new(stream).poll_read(context, &mut buffer),
                Self::Tls(stream) => Pin::new(&mut **stream).poll_read(context, &mut buffer),
            };
            polled.map_ok(|()| {
                take(buffer.filled());
                let read = buffer.filled().len();
                // What a thread leaves on its stack stays there until something else needs the place.
                buffer.filled_mut().zeroize();
                read
            })
        })
        .await
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    /// Begins TLS as the server.
    pub(crate) async fn secure(self, acceptor: &TlsAcceptor) -> io::Result<Self> {
        match self {
            Self::Plain(stream) => {
                let stream = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await??;
                Ok(Self::Tls(Box::new(stream)))
            }
            Self::Tls(_) => Err(io::Error::other("TLS is already active")),
        }
    }

    /// The cipher suite by its IANA name.
    pub(crate) fn cipher_suite(&self) -> Option<String> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.get_ref().1.negotiated_cipher_suite().map(crate::tls::cipher_suite_name),
        }
    }

    /// What a client can bind its sign-in to: under TLS 1.3 the connection's own secret (RFC 9266), under both versions the
    /// hash of the certificate that we present. Nothing in the clear.
    pub(crate) fn channel_bindings(&self, end_point: Option<Vec<u8>>) -> Vec<ChannelBinding> {
        let Self::Tls(stream) = self else { return Vec::new() };
        let connection = stream.get_ref().1;
        let mut bindings = Vec::new();
        // RFC 9266 section 4.2: below TLS 1.3 it needs extensions that we do not check.
        if connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3)
            && let Ok(data) = connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""))
        {
            bindings.push(ChannelBinding::Exporter(data));
        }
        bindings.extend(end_point.map(ChannelBinding::EndPoint));
        bindings
    }

    /// Returns once the peer has reset the connection. One that has only closed its own direction still reads, and is not
    /// meant.
    pub(crate) async fn reset(&self) {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        while let Ok(ready) = stream.ready(Interest::ERROR).await {
            if ready.is_error() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Closes our direction and gives what was sent time to arrive.
    pub(crate) async fn close(mut self) {
        let _ = tokio::time::timeout(LINGER, async {
            match &mut self {
                Self::Plain(stream) => stream.shutdown().await?,
                Self::Tls(stream) => stream.shutdown().await?,
            }
            let mut buffer = [0; 4096];
            let mut left = LINGER_BYTES_MAX;
            while left > 0 {
                match self.read(&mut buffer).await? {
                    0 => break,
                    count => left = left.saturating_sub(count),
                }
            }
            io::Result::Ok(())
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_reset_is_noticed_and_a_half_closed_peer_is_not_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut wire = Wire::Plain(listener.accept().await.unwrap().0);
        peer.shutdown().await.unwrap();
        assert_eq!(wire.read(&mut [0; 8]).await.unwrap(), 0, "it has closed its direction");
        let early = tokio::time::timeout(Duration::from_millis(50), wire.reset()).await;
        assert!(early.is_err(), "it may still read");
        // What is unread when a socket is closed makes the close a reset.
        wire.write(b"* OK").await.unwrap();
        peer.readable().await.unwrap();
        drop(peer);
        wire.reset().await;
    }
}
