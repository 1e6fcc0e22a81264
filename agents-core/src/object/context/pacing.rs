//! Pacing of long replies: their pieces are sent no faster than the client receives them.

use std::sync::Arc;

use super::ObjectContext;
use crate::error::Result;
use crate::gateway::{Budget, ConnectionKey, FRAME_BYTES, Message, Targets, ToGateway};
use crate::limits::Limit;
use crate::object::ConnectionEntry;
use crate::object::context::sockets::overflow;

impl ObjectContext {
    /// Sends a piece of a long reply. The piece is refused while half of the outbox limit waits for this
    /// client: the other half keeps space for the end of the reply.
    ///
    /// # Errors
    /// Fails with `overflow` when too many bytes wait to be sent, in total or for this client.
    pub(crate) fn piece(&self, entry: &ConnectionEntry, text: String) -> Result<()> {
        let send_window = entry.send_window();
        if send_window.is_to_be_checked() {
            let waiting = self.turn()?.gate.bytes() + self.handle().gateway.waiting_bytes(entry.key);
            if waiting > self.piece_bytes() {
                send_window.check_again();
                self.reached(Limit::OutboxBytes);
                return Err(overflow());
            }
        }
        let bytes = text.len() + FRAME_BYTES;
        self.send(Targets::One(entry.key), Message::Text(text), false)?;
        send_window.sent(bytes);
        Ok(())
    }

    /// Returns the maximum number of bytes of pieces that may wait for one reader.
    pub(crate) fn piece_bytes(&self) -> usize {
        self.limits().outbox_bytes / 2
    }

    /// Returns the memory budget for all bytes that wait for clients.
    pub(crate) fn outgoing(&self) -> Arc<Budget> {
        self.handle().environment.outgoing.clone()
    }

    /// Returns whether so much was sent to a client that the next piece should wait.
    pub(crate) fn is_ahead(&self, entry: &ConnectionEntry) -> bool {
        entry.send_window().is_ahead()
    }

    /// Waits until a client has received nearly all pieces that were sent to it, if many bytes of them are
    /// waiting.
    ///
    /// # Errors
    /// Fails outside of the turns of the object, and when the host stops.
    pub(crate) async fn until_room(&self, entry: &ConnectionEntry) -> Result<()> {
        let send_window = entry.send_window();
        // Callers wait in their order: the first one finds space and uses it up, and the next one waits for the
        // client again.
        let _entered = send_window.enter().await;
        while send_window.is_ahead() {
            let ahead = send_window.ahead();
            self.until_taken(entry.key).await?;
            send_window.taken(ahead);
        }
        Ok(())
    }

    /// Waits until everything sent so far has left and the client of a connection has received nearly all of
    /// its part.
    async fn until_taken(&self, connection: ConnectionKey) -> Result<()> {
        let question = self.handle().room_questions.open();
        self.effect(ToGateway::AwaitRoom { connection, request: question.request })?;
        question.answered().await;
        Ok(())
    }
}
