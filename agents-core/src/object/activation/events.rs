//! The dispatch of events to handlers, and the work after a handler is done.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;

use crate::error::{Error, Result};
use crate::gateway::{ConnectionInfo, ConnectionKey, MemoryPermit, RequestKey, ToObject};
use crate::limits::Limit;
use crate::object::activation::Activation;
use crate::object::activation::time_slice::TimeSlice;
use crate::object::activation::turn::{Turns, Undone, in_time, own_turn};
use crate::object::http::body_buffer::Collected;
use crate::object::http::fetch;
use crate::object::http::request_body::RequestBody;
use crate::object::report::{self, Violation};
use crate::object::{BoxFuture, ConnectionEntry, Instance, WebSocket, Work};

/// The event that a handler was started for.
pub(super) enum Label {
    Connect(Arc<ConnectionEntry>),
    Message { connection: ConnectionKey, bytes: usize, _permit: MemoryPermit },
    Request { request: RequestKey, _permit: MemoryPermit, _collected: Option<Arc<Collected>> },
    Alarm,
    Task,
    Other,
}

impl Activation {
    /// Starts the handler of an event.
    pub(super) fn dispatch(&mut self, instance: &Arc<dyn Instance>, event: ToObject, cx: &mut Context<'_>) {
        self.dispatched = true;
        let connection = event.connection();
        // Until `fetch` is done, the messages of the connection wait in their order.
        if let Some(waiting) = connection.and_then(|key| self.connecting.get_mut(&key)) {
            waiting.push_back(event);
            return;
        }
        match event {
            ToObject::Connect { connection, id, head } => {
                self.connecting.insert(connection, VecDeque::new());
                let entry = Arc::new(ConnectionEntry::new(connection, id, Some(head.uri.clone())));
                let handler = fetch::upgrade(self.object.clone(), instance.clone(), entry.clone(), *head);
                self.start(Some(instance), Label::Connect(entry), Box::pin(handler), cx);
            }
            ToObject::Message { connection, message, permit } => {
                let entry = self.object.lock().roster.get(connection, &*self.handle.gateway);
                let bytes = message.len();
                match entry {
                    Some(entry) if !entry.is_closing() => {
                        let socket = self.socket(entry);
                        let handler = instance.message(socket.clone(), message);
                        let handler = self.in_time(instance, socket, handler);
                        self.start(
                            Some(instance),
                            Label::Message { connection, bytes, _permit: permit },
                            handler,
                            cx,
                        );
                    }
                    None if !self.handle.gateway.has_connection(connection) => {
                        self.wait_for_end(connection, ToObject::Message { connection, message, permit });
                    }
                    _ => self.credit(connection, bytes),
                }
            }
            ToObject::Close { connection, close, info } => {
                if let Some(before) = self.closing.remove(&connection) {
                    if let Some(info) = info {
                        let entry = Arc::new(ConnectionEntry::from_info(ConnectionInfo::clone(&info)));
                        self.object.lock().roster.insert(entry);
                        // The information about the connection is kept: if this activation fails first, the
                        // next one reports the close.
                        self.events.push_front(ToObject::Close { connection, close, info: Some(info) });
                        before.into_iter().rev().for_each(|event| self.events.push_front(event));
                    }
                    return;
                }
                self.credits.remove(&connection);
                let known = self.object.lock().roster.remove(connection);
                let entry = known.or_else(|| info.map(|info| Arc::new(ConnectionEntry::from_info(*info))));
                if let Some(entry) = entry {
                    entry.end();
                    let socket = self.socket(entry);
                    let handler = instance.close(socket.clone(), close);
                    let handler = self.in_time(instance, socket, handler);
                    self.start(Some(instance), Label::Other, handler, cx);
                }
            }
            ToObject::Error { connection, error } => {
                let entry = self.object.lock().roster.get(connection, &*self.handle.gateway);
                match entry {
                    Some(entry) => {
                        let error = Error::hidden("protocol", Violation(error));
                        let handler = instance.error(self.socket(entry), error);
                        self.start(Some(instance), Label::Other, handler, cx);
                    }
                    None if !self.handle.gateway.has_connection(connection) => {
                        self.wait_for_end(connection, ToObject::Error { connection, error });
                    }
                    None => {}
                }
            }
            ToObject::Request { request, head, body, more, permit } => {
                let (body, permit, collected) = match more {
                    true => {
                        let (body, collected) = self.object.open_body(request, body, permit);
                        (body, MemoryPermit::default(), Some(collected))
                    }
                    false => (RequestBody::from(body), permit, None),
                };
                let handler = fetch::answer(self.object.clone(), instance.clone(), request, *head, body);
                self.start(
                    Some(instance),
                    Label::Request { request, _permit: permit, _collected: collected },
                    Box::pin(handler),
                    cx,
                );
            }
            ToObject::Alarm => {
                let (object, on) = (self.object.clone(), instance.clone());
                let limit = self.handle.limits().alarm_timeout;
                let handler = async move {
                    let Some(alarm) = object.begin_alarm()? else { return Ok(()) };
                    // The code of the handler cannot undo the fact that the alarm is firing.
                    object.split_turn()?;
                    match in_time(&object, limit, on.alarm(alarm)).await {
                        Some(outcome) => {
                            object.finish_alarm(outcome.is_ok())?;
                            outcome
                        }
                        None => {
                            object.reached(Limit::AlarmTimeout);
                            object.finish_alarm(false)?;
                            let error =
                                format!("the alarm handler took longer than {limit:?}; the alarm is retried");
                            on.alarm_timed_out(Error::hidden("alarm_timeout", error)).await
                        }
                    }
                };
                self.start(Some(instance), Label::Alarm, Box::pin(handler), cx);
            }
            ToObject::Drained { .. }
            | ToObject::Gone { .. }
            | ToObject::BodyChunk { .. }
            | ToObject::BodyEnd { .. } => self.object.request_event(event),
            // Answered at its post, see `ObjectHandle::post`.
            ToObject::Room { .. } => {}
        }
    }

    /// Keeps the last events of a connection that ended before the object knew it. The close event brings the
    /// data that the gateway has of the connection.
    fn wait_for_end(&mut self, connection: ConnectionKey, event: ToObject) {
        self.closing.entry(connection).or_default().push(event);
    }

    fn socket(&self, entry: Arc<ConnectionEntry>) -> WebSocket {
        WebSocket { object: self.object.clone(), entry }
    }

    /// Limits a handler of a WebSocket event to the time that the object has set.
    fn in_time(
        &self,
        instance: &Arc<dyn Instance>,
        socket: WebSocket,
        handler: BoxFuture<'static, Result<()>>,
    ) -> BoxFuture<'static, Result<()>> {
        let Some(limit) = self.handle.settings.event_timeout() else { return handler };
        let instance = instance.clone();
        Box::pin(async move {
            match in_time(&socket.object, limit, handler).await {
                Some(result) => result,
                None => instance.error(socket, too_long(limit)).await,
            }
        })
    }

    /// Fails the event for which an instance could not be started. The next event tries again.
    pub(super) fn refuse_event(&mut self, error: &Error) {
        let Some(event) = self.events.pop_front() else { return };
        let object = self.object.clone();
        if let Err(error) = own_turn(&object, || self.refuse(event, error)) {
            tracing::error!(class = &*self.handle.key.class, name = &*self.handle.key.name, %error, "an event could not be rejected cleanly");
        }
    }

    /// Fails all events that have arrived by now. A start that took too long may do so again, and each try
    /// would delay the later events further.
    pub(super) fn refuse_all(&mut self, error: &Error) {
        if !self.handle.is_stopping() {
            self.handle.mailbox.take(&mut self.events);
        }
        while !self.events.is_empty() {
            self.refuse_event(error);
        }
    }

    fn refuse(&mut self, event: ToObject, error: &Error) -> Result<()> {
        match event {
            ToObject::Connect { connection, id, head } => {
                let entry = Arc::new(ConnectionEntry::new(connection, id, Some(head.uri)));
                fetch::refuse(&self.object, &entry, error)
            }
            ToObject::Message { connection, message, .. } => {
                self.credit(connection, message.len());
                let entry = self.object.lock().roster.get(connection, &*self.handle.gateway);
                match entry {
                    Some(entry) => {
                        let socket = self.socket(entry);
                        self.handle.behavior.start_failed(&socket, &message, error)
                    }
                    None => Ok(()),
                }
            }
            ToObject::Request { request, .. } => fetch::fail(&self.object, request, error),
            ToObject::Alarm => match self.object.begin_alarm()? {
                Some(_) => {
                    report::handler_failed(&self.handle.key, error);
                    self.object.finish_alarm(false)
                }
                None => Ok(()),
            },
            event if event.about_request().is_some() => Ok(()),
            event => {
                tracing::warn!(class = &*self.handle.key.class, name = &*self.handle.key.name, %error, event = event.kind(), "an event was dropped");
                Ok(())
            }
        }
    }

    /// Starts a handler and polls it at once: most handlers finish in the first poll.
    fn start(
        &mut self,
        instance: Option<&Arc<dyn Instance>>,
        label: Label,
        handler: BoxFuture<'static, Result<()>>,
        cx: &mut Context<'_>,
    ) {
        self.tasks += usize::from(matches!(label, Label::Task));
        let work = match &label {
            Label::Connect(_) => Work::Connect,
            Label::Message { .. } => Work::Message,
            Label::Request { .. } => Work::Request,
            Label::Alarm => Work::Alarm,
            Label::Task => Work::Task,
            Label::Other => Work::Close,
        };
        let mut turns = Turns::new(self.object.clone(), work, label, handler).on(instance.cloned());
        match Pin::new(&mut turns).poll(cx) {
            Poll::Ready((label, result)) => self.finished(label, result),
            Poll::Pending => self.running.push(turns),
        }
    }

    pub(super) fn poll_running(&mut self, cx: &mut Context<'_>, slice: &mut TimeSlice) -> bool {
        let mut progress = false;
        let spawned = std::mem::take(&mut self.object.lock().spawned);
        for task in spawned {
            progress = true;
            self.start(None, Label::Task, task.future, cx);
        }
        while !slice.is_stretch_over()
            && let Poll::Ready(Some((label, result))) = self.running.poll_next_unpin(cx)
        {
            slice.step();
            progress = true;
            self.finished(label, result);
        }
        progress
    }

    fn finished(&mut self, label: Option<Label>, result: Result<Result<()>, Undone>) {
        let Some(label) = label else { return };
        if let Ok(Err(error)) = &result {
            report::handler_failed(&self.handle.key, error);
        }
        if let Err(Undone(error)) = &result {
            // The answer to a client logs a hidden error, with the id that the client reads.
            let answered = matches!(label, Label::Connect(_) | Label::Request { .. });
            if !answered || error.client_message().is_some() {
                report::handler_failed(&self.handle.key, error);
            }
            self.clean_up(&label, error);
        }
        match label {
            Label::Message { connection, bytes, .. } => self.credit(connection, bytes),
            Label::Connect(entry) => self.connected(&entry),
            Label::Task => self.tasks -= 1,
            Label::Request { request, .. } => self.object.close_window(request),
            Label::Alarm | Label::Other => {}
        }
    }

    /// Records that a message of a connection is done.
    fn credit(&mut self, connection: ConnectionKey, bytes: usize) {
        let (messages, sum) = self.credits.entry(connection).or_default();
        *messages += 1;
        *sum += bytes as u64;
    }

    /// Handles the events that came from a connection before it was accepted or refused.
    fn connected(&mut self, entry: &ConnectionEntry) {
        let open = entry.is_accepted() && !entry.is_closing();
        let waiting = self.connecting.remove(&entry.key).unwrap_or_default();
        for event in waiting.into_iter().rev() {
            // For a refused connection only the close still matters.
            if open || matches!(event, ToObject::Close { .. }) {
                self.events.push_front(event);
            } else if let ToObject::Message { message, .. } = event {
                self.credit(entry.key, message.len());
            }
        }
    }

    /// Ends the open work of a handler that was undone.
    fn clean_up(&self, label: &Label, error: &Error) {
        let done = own_turn(&self.object, || match label {
            Label::Connect(entry) => fetch::refuse(&self.object, entry, error),
            Label::Request { request, .. } => fetch::fail(&self.object, *request, error),
            Label::Alarm => self.object.finish_alarm(false),
            Label::Message { .. } | Label::Task | Label::Other => Ok(()),
        });
        if let Err(error) = done {
            tracing::error!(class = &*self.handle.key.class, name = &*self.handle.key.name, %error, "the open work of a handler could not be ended");
        }
    }
}

fn too_long(limit: Duration) -> Error {
    Error::hidden("event_timeout", format!("the handler took longer than {limit:?}"))
}
