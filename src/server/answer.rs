//! An answer on its way to the client.

use std::io;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Response};

use super::serve::End;
use crate::limits;
use crate::proxy::{CutOff, ResponseBody};
use crate::wire::{Coding, Inbound, Out, Piece, Terms, Turn};

/// What is left of an answer.
pub(super) struct Answer {
    body: ResponseBody,
    coding: Coding,
    out: Out,
    /// The head was joined by what was at hand of the body.
    begun: bool,
    turn: Turn,
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
            begun: false,
            turn: Turn::default(),
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
        if !self.begun {
            // The head goes out with what is at hand of the body.
            self.begun = true;
            self.fill(cx);
        }
        loop {
            while !self.out.is_empty() {
                let written = self.out.poll_write(|slices| inbound.poll_write(cx, slices));
                if let Err(error) = ready!(written) {
                    return Poll::Ready(Err(gone(&error)));
                }
            }
            match self.after {
                After::More => {
                    ready!(self.turn.poll_next(cx));
                    self.fill(cx);
                }
                After::Nothing => return Poll::Ready(Ok(())),
                After::Cut => return Poll::Ready(Err(End::Cut)),
            }
            if self.out.is_empty() && self.after == After::More {
                self.turn = Turn::default();
                return Poll::Pending;
            }
        }
    }

    /// Takes what is at hand of the body, up to some bytes, which are then written before more is
    /// taken: what a client does not take stays with the upstream.
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
