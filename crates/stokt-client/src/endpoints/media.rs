//! Pictures: their addresses, and their bytes into a writer.

use std::io::{self, Write};

use crate::{
    client::{Ask, Client, Success},
    error::{Error, ErrorKind},
};

/// What a finished download was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaAnswer {
    /// Bytes written.
    pub bytes: u64,
    /// The content type Stokt named. It is a claim: look at the bytes.
    pub content_type: Option<String>,
}

impl Client {
    /// The address of a picture; `path` is what the API calls a picture's `name` or a user's `avatar`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a path that is empty, absolute, or leads out of `media/`.
    pub fn media_url(&self, path: &str) -> Result<String, Error> {
        Ok(self.origin().media(path)?.into())
    }

    /// Downloads a picture into `writer`.
    ///
    /// Repeated only as long as nothing was written; [`fetch_media`](Self::fetch_media) also repeats what broke off.
    ///
    /// # Errors
    /// [`ErrorKind::Sink`] when the writer refuses, [`ErrorKind::TooLarge`] over the limit. After any error the
    /// writer may hold a part of the picture.
    pub fn download_media(&self, path: &str, writer: &mut dyn Write) -> Result<MediaAnswer, Error> {
        self.download_media_with(path, writer, &mut |_| {})
    }

    /// As [`download_media`](Self::download_media), and tells `progress` how many bytes were written so far.
    ///
    /// # Errors
    /// As [`download_media`](Self::download_media).
    pub fn download_media_with(
        &self,
        path: &str,
        writer: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<MediaAnswer, Error> {
        let ask = Ask { media: true, ..Ask::get(self.origin().media(path)?) };
        self.run(&ask, &mut |success| self.stream(success, writer, progress))
    }

    /// Downloads a picture into a writer made by `open`, and begins again with a new one when it broke off half-way;
    /// answers the writer that holds it all.
    ///
    /// # Errors
    /// As [`download_media`](Self::download_media); also when `open` fails.
    pub fn fetch_media<W: Write>(
        &self,
        path: &str,
        mut open: impl FnMut() -> io::Result<W>,
    ) -> Result<(W, MediaAnswer), Error> {
        let ask = Ask { media: true, ..Ask::get(self.origin().media(path)?) };
        self.run(&ask, &mut |success| {
            let mut writer = open().map_err(|why| Error::new(ErrorKind::Sink(why)))?;
            let answer = self.stream(success, &mut writer, &mut |_| {}).map_err(Error::before_first_byte)?;
            Ok((writer, answer))
        })
    }

    fn stream(
        &self,
        mut success: Success<'_>,
        writer: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<MediaAnswer, Error> {
        let content_type = success.reply.content_type.clone();
        let kept = |why| Error::new(ErrorKind::Snapshot(why));
        let mut copy = match self.observer() {
            Some(observer) => observer.on_media(success.target, content_type.as_deref()).map_err(kept)?,
            None => None,
        };
        let mut written = 0_u64;
        let result = success.reader.each(&mut *success.reply.body, &mut |piece| {
            written += piece.len() as u64;
            writer.write_all(piece).map_err(|why| Error::new(ErrorKind::Sink(why)))?;
            if let Some(copy) = &mut copy {
                copy.write_all(piece).map_err(kept)?;
            }
            progress(written);
            Ok(())
        });
        let bytes = result.map_err(|error| if written > 0 { error.after_first_byte() } else { error })?;
        writer.flush().map_err(|why| Error::new(ErrorKind::Sink(why)).after_first_byte())?;
        if let Some(copy) = copy {
            copy.keep().map_err(kept)?;
        }
        Ok(MediaAnswer { bytes, content_type })
    }
}
