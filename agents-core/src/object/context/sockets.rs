//! The WebSockets of an object: accept, lookup, send and close.

use std::sync::Arc;
use std::time::Duration;

use super::journal::{Change, Restore};
use super::{Inner, ObjectContext, Spawned, WriteKind};
use crate::error::{Error, Result};
use crate::gateway::{
    Attachment, AutoResponse, ConnectionKey, FRAME_BYTES, Flags, MAX_REASON, Message, Selection, Targets,
    ToGateway, cut_reason,
};
use crate::limits::Limit;
use crate::object::connections::entry::Kept;
use crate::object::runtime::settings::Settings;
use crate::object::{
    BoxFuture, ConnectionEntry, TagsError, WebSocket, WebSocketUpgrade, WebSockets, check_socket_tags,
};
use crate::wire::close_code;

/// Returns the error of a send while too many bytes wait to be sent.
pub(crate) fn overflow() -> Error {
    Error::new("overflow", "too much is waiting to be sent")
}

/// The maximum length of either half of an auto-response, in bytes.
const MAX_AUTO_RESPONSE: usize = 2048;
/// The maximum time that can be set for the handler of an event.
const MAX_EVENT_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl ObjectContext {
    /// Accepts a WebSocket and hands it to the runtime, which wakes the object for its events.
    ///
    /// The object can send to the socket at once. Messages of its client are handled after `fetch` has
    /// returned.
    ///
    /// # Limits
    /// By default at most 10 different tags, one more than
    /// [`Limits::tags_per_connection`](crate::Limits::tags_per_connection), each of 1 to 256 bytes
    /// ([`Limits::tag_bytes`](crate::Limits::tag_bytes)). Repeated tags are dropped.
    ///
    /// # Errors
    /// `invalid_tags` when a tag exceeds a limit. Fails also when the upgrade was accepted before, or outside of the object's
    /// handlers.
    pub fn accept_web_socket<I>(&self, upgrade: WebSocketUpgrade, tags: I) -> Result<WebSocket>
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let tags = check_socket_tags(self.limits(), tags.into_iter().map(Into::into));
        let tags = tags.inspect_err(|error| self.count_tags(error)).map_err(TagsError::into_error)?;
        self.accept(&upgrade.entry, tags, Flags::NONE)?;
        Ok(WebSocket { object: self.clone(), entry: upgrade.entry })
    }

    /// Counts rejected tags by the limit that they reached.
    pub(crate) fn count_tags(&self, error: &TagsError) {
        match error {
            TagsError::TooMany { .. } => self.reached(Limit::TagsPerConnection),
            TagsError::TooLong { .. } => self.reached(Limit::TagBytes),
            TagsError::Empty => {}
        }
    }

    /// Refuses a WebSocket: it is closed at once, without any other frame.
    ///
    /// Codes 1008 and 4000-4999 are final for the npm client; it reconnects after any other code. A reason of
    /// more than 123 bytes is cut.
    ///
    /// # Errors
    /// Fails when the code cannot be sent, or outside of the object's handlers.
    pub fn refuse_web_socket(
        &self,
        upgrade: WebSocketUpgrade,
        code: u16,
        reason: impl Into<String>,
    ) -> Result<()> {
        self.close(&upgrade.entry, Some(code), cut_reason(reason.into()))
    }

    /// Returns the open WebSockets, to filter, list or send to.
    ///
    /// ```
    /// # use agents_core::{Result, object::{ObjectContext, WebSocket}};
    /// # fn example(cx: &ObjectContext, from: &WebSocket) -> Result<()> {
    /// cx.get_web_sockets().tag("room:general").except([from]).send("hello")?;
    /// let admins = cx.get_web_sockets().all_tags(["admin", "online"]).count();
    /// # let _ = admins;
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_web_sockets(&self) -> WebSockets {
        WebSockets::new(self.clone())
    }

    /// Returns the tags of a WebSocket.
    pub fn get_tags<'a>(&self, socket: &'a WebSocket) -> &'a [String] {
        socket.tags()
    }

    /// Sets an auto-response: the gateway answers a text message without waking the object.
    ///
    /// A text message that is exactly `request` is answered with `response`, on every WebSocket of the
    /// object. The setting survives hibernation and restarts of the process.
    ///
    /// # Errors
    /// Fails when one of the two has more than 2,048 bytes, or outside of the object's handlers.
    pub fn set_web_socket_auto_response(
        &self,
        request: impl Into<String>,
        response: impl Into<String>,
    ) -> Result<()> {
        let pair = AutoResponse { request: request.into(), response: response.into() };
        let longest = pair.request.len().max(pair.response.len());
        if longest > MAX_AUTO_RESPONSE {
            let message = format!("an auto-response has at most {MAX_AUTO_RESPONSE} bytes, got {longest}");
            return Err(Error::new("auto_response_too_big", message));
        }
        self.set_settings(|settings| settings.auto_response = Some(pair))
    }

    /// Removes the auto-response.
    ///
    /// # Errors
    /// Fails when storage fails, or outside of the object's handlers.
    pub fn clear_web_socket_auto_response(&self) -> Result<()> {
        self.set_settings(|settings| settings.auto_response = None)
    }

    /// Returns the auto-response, as (request, response).
    pub fn get_web_socket_auto_response(&self) -> Option<(String, String)> {
        self.handle().settings.get().auto_response.map(|pair| (pair.request, pair.response))
    }

    /// Returns when the gateway last sent the auto-response on this WebSocket, in milliseconds since 1970.
    pub fn get_web_socket_auto_response_timestamp(&self, socket: &WebSocket) -> Option<u64> {
        self.handle().gateway.connection(socket.entry.key)?.answered_at
    }

    /// Limits the time of a handler of a WebSocket event; `None`, the default, sets no limit.
    ///
    /// A handler that takes longer is dropped, and [`web_socket_error`] is called with the code
    /// `event_timeout`. The setting survives hibernation and restarts.
    ///
    /// [`web_socket_error`]: crate::object::DurableObject::web_socket_error
    ///
    /// # Errors
    /// Fails when the time is longer than seven days, or outside of the object's handlers.
    pub fn set_web_socket_event_timeout(&self, timeout: Option<Duration>) -> Result<()> {
        if timeout.is_some_and(|timeout| timeout > MAX_EVENT_TIMEOUT) {
            return Err(Error::new("invalid_timeout", "the time of a handler is at most seven days"));
        }
        self.set_settings(|settings| settings.event_timeout = timeout.filter(|timeout| !timeout.is_zero()))
    }

    /// Returns the time limit of a handler of a WebSocket event.
    pub fn get_web_socket_event_timeout(&self) -> Option<Duration> {
        self.handle().settings.event_timeout()
    }

    /// Changes the settings in memory, on the disk and in the gateway.
    pub(super) fn set_settings(&self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        self.may_write(WriteKind::Settings)?;
        let mut inner = self.turn()?;
        let before = self.handle().settings.get();
        let mut settings = before.clone();
        change(&mut settings);
        if settings == before {
            return Ok(());
        }
        let effect = ToGateway::AutoResponse { pair: settings.auto_response.clone() };
        self.admit(&inner, effect.bytes())?;
        inner.store()?.put_settings(serde_json::to_string(&settings).map_err(Error::not_json)?)?;
        inner.gate.stage(effect);
        self.handle().settings.replace(settings);
        inner.note(Change::Settings(before));
        Ok(())
    }

    /// Accepts a new connection.
    pub(crate) fn accept(&self, entry: &Arc<ConnectionEntry>, tags: Vec<String>, flags: Flags) -> Result<()> {
        let mut inner = self.turn()?;
        if entry.is_accepted() {
            return Err(Error::new("already_accepted", "this WebSocket was accepted before"));
        }
        let attachment = Attachment::new(flags, entry.kept().attachment.user());
        let accepted = entry.give(tags.clone());
        inner.keep(entry, |kept| {
            kept.attachment = attachment.clone();
            kept.accepted = Some(accepted);
        });
        inner.roster.insert(entry.clone());
        inner.note(Change::Known(entry.key));
        inner.gate.stage(ToGateway::Accept { connection: entry.key, tags, attachment: attachment.encoded() });
        Ok(())
    }

    /// Replaces the attachment of a connection.
    pub(crate) fn attach(&self, entry: &Arc<ConnectionEntry>, attachment: Attachment) -> Result<()> {
        let effect = ToGateway::Attach { connection: entry.key, attachment: attachment.encoded() };
        let mut inner = self.turn()?;
        self.admit(&inner, effect.bytes())?;
        inner.gate.stage(effect);
        inner.keep(entry, |kept| kept.attachment = attachment);
        Ok(())
    }

    /// Closes a connection after the messages that were sent to it.
    pub(crate) fn close(
        &self,
        entry: &Arc<ConnectionEntry>,
        code: Option<u16>,
        reason: String,
    ) -> Result<()> {
        if let Some(code) = code.filter(|code| !close_code::may_be_sent(*code)) {
            return Err(Error::new("invalid_close", format!("{code} cannot be sent as a close code")));
        }
        if reason.len() > MAX_REASON {
            let message = format!("a close reason has at most {MAX_REASON} bytes, got {}", reason.len());
            return Err(Error::new("invalid_close", message));
        }
        let mut inner = self.turn()?;
        if !entry.is_closing() {
            inner.gate.stage(ToGateway::Close { connection: entry.key, code, reason });
            inner.keep(entry, |kept| kept.closing = true);
        }
        Ok(())
    }

    /// Checks that this many more bytes may be sent.
    ///
    /// # Errors
    /// Fails with `overflow` when too many bytes wait to be sent.
    fn admit(&self, inner: &Inner, bytes: usize) -> Result<()> {
        let Some(limit) = inner.gate.reached(bytes) else { return Ok(()) };
        self.reached(limit);
        Err(overflow())
    }

    /// Checks that a message of this many bytes may be sent. A caller checks before it makes the changes that
    /// the message reports.
    ///
    /// # Errors
    /// Fails with `overflow` when too many bytes wait to be sent.
    pub(crate) fn check_room(&self, bytes: usize) -> Result<()> {
        let inner = self.turn()?;
        self.admit(&inner, bytes + FRAME_BYTES)
    }

    /// Stages an effect without a limit: there is one such effect for each accepted item.
    pub(crate) fn effect(&self, effect: ToGateway) -> Result<()> {
        self.turn()?.gate.stage(effect);
        Ok(())
    }

    /// Records a change of memory of a layer above, which is undone with the turn.
    pub(crate) fn note(&self, memory: impl Restore + 'static) -> Result<()> {
        self.turn()?.note(Change::Other(Box::new(memory)));
        Ok(())
    }

    /// Stages a message; see [`ToGateway::Send`] for `latest`.
    ///
    /// # Errors
    /// Fails with `overflow` when too many bytes wait to be sent.
    pub(crate) fn send(&self, targets: Targets, message: Message, latest: bool) -> Result<()> {
        let effect = ToGateway::Send { targets, message, latest };
        let mut inner = self.turn()?;
        self.admit(&inner, effect.bytes())?;
        inner.gate.stage(effect);
        Ok(())
    }

    /// Returns the selected open connections, oldest first.
    pub(crate) fn select(&self, selection: &Selection) -> Result<Vec<Arc<ConnectionEntry>>> {
        let mut inner = self.turn()?;
        Ok(inner.roster.select(selection, &*self.handle().gateway))
    }

    /// Returns the open connection with this id.
    pub(crate) fn by_id(&self, id: &str) -> Result<Option<Arc<ConnectionEntry>>> {
        let mut inner = self.turn()?;
        let gateway = &*self.handle().gateway;
        let known = inner.roster.known().find(|entry| entry.id() == id && !entry.is_closing()).cloned();
        let found = known.or_else(|| gateway.key_of(id).and_then(|key| inner.roster.get(key, gateway)));
        Ok(found.filter(|entry| entry.is_accepted() && !entry.is_closing()))
    }

    /// Returns whether the object may have connections.
    pub(crate) fn has_connections(&self) -> Result<bool> {
        let inner = self.turn()?;
        Ok(inner.roster.known().next().is_some() || self.handle().gateway.has_connections())
    }

    /// Returns whether a connection exists and is not closing.
    pub(crate) fn is_connected(&self, key: ConnectionKey) -> bool {
        let entry = self.lock().roster.get(key, &*self.handle().gateway);
        entry.is_some_and(|entry| !entry.is_closing())
    }

    /// Runs a future with the object, even if the running turn or transaction is undone.
    pub(crate) fn spawn_detached(&self, future: BoxFuture<'static, Result<()>>) -> Result<()> {
        self.turn()?.spawned.push(Spawned { future, stays: true });
        Ok(())
    }

    /// Runs a future with the object.
    pub(crate) fn run(&self, future: BoxFuture<'static, Result<()>>) -> Result<()> {
        self.turn()?.spawned.push(Spawned { future, stays: false });
        Ok(())
    }
}

impl Inner {
    /// Changes the stored data of a connection.
    fn keep(&mut self, entry: &Arc<ConnectionEntry>, change: impl FnOnce(&mut Kept)) {
        let before = entry.change(change);
        self.note(Change::Kept(entry.clone(), before));
    }
}
