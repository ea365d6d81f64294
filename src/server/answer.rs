//! An answer on its way to the client.

use std::io;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Response};

use super::serve::End;
use crate::limits;
use crate::proxy::{CutOff, ResponseBody};
use crate::wire::{Coding, Inbound, Out, Piece, Terms};

/// What is left of an answer.
pub(super) struct Answer {
    body: ResponseBody,
    coding: Coding,
    out: Out,
    /// How `out` is to be followed.
    after: After,
    /// Whether the connection may stay when it is out.
    pub(super) stays: bool,
}

/// What comes after the bytes at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// More of the body.
    More,
    /// Nothing: it is whole.
    Nothing,
    /// What should come will not.
    Cut,
}

impl Answer {
    /// The answer to a client with these terms.
    pub(super) fn new(
        response: Response<ResponseBody>,
        mut terms: Terms,
        inbound: &Inbound,
    ) -> Self {
        let mut head = Vec::with_capacity(limits::ANSWER_HEAD);
        head.extend_from_slice(inbound.begin_answer());
        let coding = terms.write_head(&response, response.body().length(), &mut head);
        if coding == Coding::UntilClose {
            inbound.answer_until_close();
        }
        Self {
            body: response.into_body(),
            coding,
            out: Out::new(head),
            after: match coding {
                Coding::Nothing => After::Nothing,
                _ => After::More,
            },
            stays: terms.stays,
        }
    }

    /// Ready when all of it is out.
    ///
    /// # Errors
    /// How the connection ends instead.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        inbound: &Inbound,
    ) -> Poll<Result<(), End>> {
        if let Err(CutOff) = self.body.send_rest(cx) {
            self.after = After::Cut;
        }
        loop {
            self.fill(cx);
            if self.out.is_empty() {
                return match self.after {
                    After::More => Poll::Pending,
                    After::Nothing => Poll::Ready(Ok(())),
                    After::Cut => Poll::Ready(Err(End::Cut)),
                };
            }
            let written = self.out.poll_write(|slices| inbound.poll_write(cx, slices));
            if let Err(error) = ready!(written) {
                return Poll::Ready(Err(gone(&error)));
            }
        }
    }

    /// Takes what is at hand of the body. Little is read before earlier pieces are out: what a client
    /// does not take stays with the upstream.
    fn fill(&mut self, cx: &mut Context<'_>) {
        while self.after == After::More && self.out.len() < limits::RELAY_TOGETHER {
            match self.body.poll_piece(cx, self.out.is_empty()) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(piece))) => self.put(piece),
                Poll::Ready(Some(Err(CutOff))) => self.after = After::Cut,
                Poll::Ready(None) => self.end(&HeaderMap::new()),
            }
        }
    }

    fn put(&mut self, piece: Piece) {
        match (piece, self.coding) {
            (Piece::Data(data), Coding::Chunked) => self.out.put_chunk(data),
            (Piece::Data(data), _) => self.out.put(data),
            (Piece::Trailers(fields), _) => self.end(&fields),
        }
    }

    fn end(&mut self, trailers: &HeaderMap) {
        if self.coding == Coding::Chunked {
            let body = &self.body;
            self.out
                .put_last_chunk(trailers, |name| body.announces(name));
        }
        self.after = After::Nothing;
    }
}

fn gone(error: &io::Error) -> End {
    ::log::debug!("a client did not take its answer: {error}");
    End::Gone
}
