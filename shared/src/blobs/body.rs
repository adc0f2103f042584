//! What goes into and comes out of the bucket: bytes, or streams of known length.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Fuse};
use futures_util::{Stream, StreamExt};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::{BlobError, Body};

/// What is to be stored.
pub enum Content {
    /// All of it at hand.
    Bytes(Bytes),
    /// Arriving piece by piece, with the length that was announced.
    Stream {
        /// Length in bytes; a stream of another length is refused.
        length: u64,
        /// The pieces.
        stream: BoxStream<'static, io::Result<Bytes>>,
    },
}

impl Content {
    /// A stream of known length.
    pub fn stream(length: u64, stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self::Stream { length, stream: stream.boxed() }
    }

    pub(super) fn into_body(self) -> Result<(Body, i64), BlobError> {
        let too_long = |_| BlobError::Content("its length is beyond any limit".to_owned());
        match self {
            Self::Bytes(bytes) => {
                let length = i64::try_from(bytes.len()).map_err(too_long)?;
                Ok((bytes.into(), length))
            }
            Self::Stream { length, stream } => {
                let stated = i64::try_from(length).map_err(too_long)?;
                let pieces = Pieces { stream: Mutex::new(stream.fuse()), left: length };
                Ok((Body::from_body_1_x(pieces), stated))
            }
        }
    }
}

impl<B: Into<Bytes>> From<B> for Content {
    fn from(bytes: B) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Content({} bytes)", bytes.len()),
            Self::Stream { length, .. } => write!(f, "Content(stream of {length} bytes)"),
        }
    }
}

/// A stream as the SDK wants it: shareable (hence the lock that is never contended), asked again
/// after its end (hence fused), and of exactly the length that was announced.
struct Pieces {
    stream: Mutex<Fuse<BoxStream<'static, io::Result<Bytes>>>>,
    left: u64,
}

impl Pieces {
    fn counted(&mut self, piece: Option<io::Result<Bytes>>) -> Option<io::Result<Frame<Bytes>>> {
        let wrong = |what| Some(Err(io::Error::new(io::ErrorKind::InvalidData, what)));
        match piece {
            Some(Ok(bytes)) => match self.left.checked_sub(bytes.len() as u64) {
                Some(left) => {
                    self.left = left;
                    Some(Ok(Frame::data(bytes)))
                }
                None => wrong("the stream is longer than announced"),
            },
            Some(Err(error)) => Some(Err(error)),
            None if self.left > 0 => wrong("the stream is shorter than announced"),
            None => None,
        }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let stream = self.stream.get_mut().unwrap_or_else(PoisonError::into_inner);
        stream.poll_next_unpin(cx).map(|piece| self.counted(piece))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// A stored object opened for reading.
pub struct Object {
    /// Length in bytes, as the bucket states it.
    pub length: u64,
    /// The content type it was stored with, which its uploader chose.
    pub content_type: Option<String>,
    body: Body,
}

impl Object {
    pub(super) fn new(length: u64, content_type: Option<String>, body: Body) -> Self {
        Self { length, content_type, body }
    }

    /// The content piece by piece.
    pub fn into_stream(self) -> BoxStream<'static, io::Result<Bytes>> {
        let next =
            |mut body: Body| async move { body.next().await.map(|piece| (piece.map_err(io::Error::other), body)) };
        stream::unfold(self.body, next).fuse().boxed()
    }

    /// The whole content, when it is no longer than allowed.
    pub async fn bytes(self, max: usize) -> Result<Bytes, BlobError> {
        let all = self.prefix(max.saturating_add(1)).await?;
        if all.len() > max { Err(BlobError::TooLarge(max)) } else { Ok(all) }
    }

    /// At most so many bytes from the start.
    pub(super) async fn prefix(self, max: usize) -> Result<Bytes, BlobError> {
        let mut all = BytesMut::new();
        let mut pieces = self.into_stream();
        while let Some(piece) = pieces.next().await {
            all.extend_from_slice(&piece.map_err(|error| BlobError::Unavailable(error.to_string()))?);
            if all.len() >= max {
                all.truncate(max);
                break;
            }
        }
        Ok(all.freeze())
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({} bytes, {:?})", self.length, self.content_type)
    }
}
