//! The mailbox and the hub in every order of the calls to them.
//!
//! Each of their methods holds a lock from its beginning to its end. So the work of several threads is some
//! order of whole methods. The actors here call them as the handle, the activation, the registry and the
//! socket do.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

use crate::gateway::{
    Close, ConnectionKey, Gateway, GatewayPort, Head, Hub, PostError, RegisterError, Socket, ToGateway,
    ToObject,
};
use crate::limits::Limits;
use crate::object::ObjectHandle;
use crate::object::runtime::mailbox::Mailbox;
use crate::object::tests::explore::{Run, explore, start, step, wait_for_wake};
use crate::support::clock::Clock;

/// The object under test, with the messages that it has handled.
struct World {
    limits: Limits,
    gateway: Option<Arc<Gateway>>,
    /// The handle in the registry.
    current: RefCell<Option<Rc<Handle>>>,
    /// All handles that existed in the run.
    handles: RefCell<Vec<Rc<Handle>>>,
    /// Set while the sweeper holds the lock of the registry.
    locked: Cell<bool>,
    waiting_for_lock: RefCell<Vec<Waker>>,
    awake: Cell<usize>,
    handled: RefCell<Vec<ToObject>>,
    /// `true` if activations look for messages before they register; a planted bug that the test must find.
    careless: bool,
}

struct Handle {
    mailbox: Mailbox,
    hub: Option<Hub>,
    told_to_sleep: Cell<bool>,
    crash_requested: Cell<bool>,
}

impl World {
    fn new(capacity: usize) -> Rc<Self> {
        Rc::new(Self::build(capacity, None, false))
    }

    fn build(capacity: usize, gateway: Option<Arc<Gateway>>, careless: bool) -> Self {
        Self {
            // A world is made for each schedule: no defaults that ask the system for its memory.
            limits: Limits { mailbox_messages: capacity, ..Limits::for_memory(1 << 30) },
            gateway,
            current: RefCell::default(),
            handles: RefCell::default(),
            locked: Cell::default(),
            waiting_for_lock: RefCell::default(),
            awake: Cell::default(),
            handled: RefCell::default(),
            careless,
        }
    }

    /// Returns the handle in the registry; creates it if it does not exist.
    async fn handle(&self) -> Rc<Handle> {
        poll_fn(|cx| {
            if self.locked.get() {
                self.waiting_for_lock.borrow_mut().push(cx.waker().clone());
                return Poll::Pending;
            }
            let handle = self.current.borrow_mut().get_or_insert_with(|| self.new_handle()).clone();
            Poll::Ready(handle)
        })
        .await
    }

    fn new_handle(&self) -> Rc<Handle> {
        let hub = self.gateway.clone().map(|gateway| Hub::new(gateway, Weak::<ObjectHandle>::new()));
        let handle = Rc::new(Handle {
            mailbox: Mailbox::default(),
            hub,
            told_to_sleep: Cell::default(),
            crash_requested: Cell::default(),
        });
        self.handles.borrow_mut().push(handle.clone());
        handle
    }

    fn unlock(&self) {
        self.locked.set(false);
        self.waiting_for_lock.take().into_iter().for_each(Waker::wake);
    }

    fn handle_event(&self, handle: &Handle, event: ToObject) {
        if let (ToObject::Connect { connection, .. }, Some(hub)) = (&event, &handle.hub) {
            let attachment = Default::default();
            hub.apply(&mut [ToGateway::Accept { connection: *connection, tags: Vec::new(), attachment }]);
        }
        self.handled.borrow_mut().push(event);
    }
}

/// Returns a numbered message of a sender.
fn message(sender: u64, number: u64) -> ToObject {
    ToObject::Error { connection: ConnectionKey(sender * 100 + number), error: String::new() }
}

/// Posts as `ObjectHandle` does; a retired handle returns the message.
async fn post(world: &Rc<World>, handle: &Rc<Handle>, message: ToObject) -> Result<(), ToObject> {
    let mut message = Some(message);
    let started = poll_fn(|cx| {
        let Some(next) = message.take() else { return Poll::Pending };
        match handle.mailbox.post(&world.limits, next, cx) {
            Ok(start) => Poll::Ready(Ok(start)),
            Err(PostError::Full(back, _)) => {
                message = Some(back);
                Poll::Pending
            }
            Err(PostError::Retired(back)) => Poll::Ready(Err(back)),
        }
    })
    .await?;
    if started {
        start(run(world.clone(), handle.clone()));
    }
    Ok(())
}

/// Runs the activations of an object, as `activation::run` does.
async fn run(world: Rc<World>, handle: Rc<Handle>) {
    loop {
        assert_eq!(world.awake.replace(1), 0, "two activations at once");
        let mut events = VecDeque::new();
        run_activation(&world, &handle, &mut events).await;
        world.awake.set(0);
        if !events.is_empty() {
            step().await;
            handle.mailbox.put_back(events.into_iter());
        }
        step().await;
        if handle.mailbox.try_sleep() {
            return;
        }
    }
}

/// Runs one activation until it hibernates or crashes.
async fn run_activation(world: &World, handle: &Handle, events: &mut VecDeque<ToObject>) {
    let register = || {
        poll_fn(|cx| {
            handle.mailbox.register(cx);
            Poll::Ready(())
        })
    };
    loop {
        if !world.careless {
            register().await;
        }
        if handle.crash_requested.take() {
            return;
        }
        // With a hub only the steps of the hub are explored, because otherwise there are too many schedules.
        let mut coarse = handle.hub.is_some();
        loop {
            if events.is_empty() {
                if !std::mem::take(&mut coarse) {
                    step().await;
                }
                handle.mailbox.take(events);
            }
            let Some(event) = events.pop_front() else { break };
            world.handle_event(handle, event);
            if handle.crash_requested.take() {
                return;
            }
        }
        if handle.told_to_sleep.take() {
            return;
        }
        if world.careless {
            step().await;
            register().await;
        }
        wait_for_wake().await;
    }
}

async fn poster(world: Rc<World>, sender: u64, count: u64) {
    // There is no sweeper, so the handle stays the same.
    let handle = world.handle().await;
    for number in 0..count {
        step().await;
        post(&world, &handle, message(sender, number)).await.expect("a handle in use");
    }
}

/// Posts as the alarm service does: it has no socket that keeps the handle in the registry.
async fn alarm(world: Rc<World>) {
    let mut message = ToObject::Alarm;
    loop {
        let handle = world.handle().await;
        step().await;
        match post(&world, &handle, message).await {
            Ok(()) => return,
            Err(back) => message = back,
        }
    }
}

/// Ends the idle time, or acts as a test that wants the object to hibernate.
async fn sleeper(world: Rc<World>) {
    let handle = world.handle().await;
    handle.told_to_sleep.set(true);
    handle.mailbox.wake();
}

async fn crash(world: Rc<World>) {
    let handle = world.handle().await;
    handle.crash_requested.set(true);
    handle.mailbox.wake();
}

/// Sweeps as `Registry::sweep` does, for one entry.
async fn sweeper(world: Rc<World>) {
    world.locked.set(true);
    let handle = world.current.borrow().clone();
    if let Some((handle, hub)) = handle.as_ref().and_then(|handle| Some((handle, handle.hub.as_ref()?)))
        && hub.try_retire()
    {
        step().await;
        if handle.mailbox.try_retire() {
            world.current.take();
        } else {
            step().await;
            hub.unretire();
        }
    }
    world.unlock();
}

/// Runs a socket from its connect to its end, as `socket::open` and `socket::Task` do.
async fn socket(world: Rc<World>, id: &'static str) {
    let socket = Socket::new();
    let connection = socket.key;
    let handle = loop {
        let handle = world.handle().await;
        step().await;
        match handle.hub.as_ref().map(|hub| hub.register(&socket, id, "/")) {
            Some(Err(RegisterError::Retired)) => {}
            Some(Ok(())) => break handle,
            other => panic!("not registered: {other:?}"),
        }
    };
    let Some(hub) = &handle.hub else { return };
    step().await;
    let head = Box::new(Head {
        method: String::new(),
        uri: String::new(),
        headers: Vec::new(),
        peer: None,
        origin: Default::default(),
        client: None,
        internal: None,
    });
    let connect = ToObject::Connect { connection, id: id.to_owned(), head };
    post(&world, &handle, connect).await.expect("a handle with a socket is not retired");
    step().await;
    let Some(close) = socket.end(hub, Close::dropped()) else { return };
    step().await;
    post(&world, &handle, close).await.expect("a handle whose socket has a pending close is not retired");
    hub.close_delivered();
}

/// Lets time pass: an object that waits hibernates. Returns `false` when no event is left.
fn time_passes(run: &Run<Rc<World>>) -> bool {
    let world = &run.world;
    let waiting = world.awake.get() == 1;
    if waiting {
        let handles = world.handles.borrow();
        let awake = handles.iter().find(|handle| !handle.mailbox.is_idle()).expect("a reader is active");
        assert_eq!(awake.mailbox.len(), 0, "messages wait for an activation that sleeps");
        assert!(!awake.told_to_sleep.replace(true), "an activation was not woken");
        awake.mailbox.wake();
        return true;
    }
    assert_eq!(run.waiting(), 0, "an actor waits forever");
    for handle in &*world.handles.borrow() {
        assert!(handle.mailbox.is_idle(), "messages wait without a reader");
    }
    false
}

/// Checks that every message of every sender was handled once and in order.
fn check_messages(world: &World, senders: u64, count: u64) {
    for sender in 0..senders {
        let mut expected: Vec<_> = (0..count).map(|number| message(sender, number)).collect();
        expected.reverse();
        for event in &*world.handled.borrow() {
            if let ToObject::Error { connection, .. } = event
                && connection.0 / 100 == sender
            {
                assert_eq!(Some(event), expected.pop().as_ref(), "lost, twice or out of order");
            }
        }
        assert!(expected.is_empty(), "lost: {expected:?}");
    }
}

/// Explores the schedules of some posters with other actors beside them.
fn messages(capacity: usize, senders: u64, count: u64, others: fn(&mut Run<Rc<World>>)) -> usize {
    let make = || {
        let mut run = Run::new(World::new(capacity));
        for sender in 0..senders {
            run.actor(poster(run.world.clone(), sender, count));
        }
        others(&mut run);
        run
    };
    explore(make, |run| {
        let goes_on = time_passes(run);
        if !goes_on {
            check_messages(&run.world, senders, count);
        }
        goes_on
    })
}

fn report(what: &str, schedules: usize) {
    eprintln!("{what}: {schedules} schedules");
}

#[test]
fn no_message_is_lost_between_waking_and_falling_asleep() {
    report("two senders of two, room for one", messages(1, 2, 2, |_| {}));
    report("three senders, room for one", messages(1, 3, 1, |_| {}));
    report("three senders, room for two", messages(2, 3, 1, |_| {}));
    report(
        "one sender of two, falling asleep",
        messages(2, 1, 2, |run| run.actor(sleeper(run.world.clone()))),
    );
    report("two senders, falling asleep", messages(2, 2, 1, |run| run.actor(sleeper(run.world.clone()))));
}

#[test]
fn no_message_is_lost_in_a_crash() {
    report("a sender of two, a crash", messages(1, 1, 2, |run| run.actor(crash(run.world.clone()))));
    report("two senders, a crash", messages(1, 2, 1, |run| run.actor(crash(run.world.clone()))));
}

/// Explores sockets and alarms beside a sweeper; checks that each event was handled once.
fn handles(sockets: &[&'static str], alarms: usize, sweeps: usize, others: fn(&mut Run<Rc<World>>)) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _inside = runtime.enter();
    let limits = Limits { heartbeat: None, connections: 100, ..Limits::for_memory(1 << 30) };
    let gateway = Gateway::start(Clock::System, Arc::new(limits));
    let make = || {
        let mut run = Run::new(Rc::new(World::build(1, Some(gateway.clone()), false)));
        for id in sockets {
            run.actor(socket(run.world.clone(), id));
        }
        for _ in 0..alarms {
            run.actor(alarm(run.world.clone()));
        }
        for _ in 0..sweeps {
            run.actor(sweeper(run.world.clone()));
        }
        others(&mut run);
        run
    };
    explore(make, |run| {
        let goes_on = time_passes(run);
        if !goes_on {
            let handled = run.world.handled.borrow();
            let mut open: Vec<ConnectionKey> = Vec::new();
            let (mut closed, mut fired) = (0, 0);
            for event in &*handled {
                match event {
                    ToObject::Connect { connection, .. } => open.push(*connection),
                    ToObject::Close { connection, .. } => {
                        assert!(open.contains(connection), "a close before its connect");
                        open.retain(|key| key != connection);
                        closed += 1;
                    }
                    ToObject::Alarm => fired += 1,
                    other => panic!("unexpected: {other:?}"),
                }
            }
            assert_eq!((closed, fired, handled.len()), (sockets.len(), alarms, sockets.len() * 2 + alarms));
        }
        goes_on
    })
}

#[test]
fn a_handle_is_dropped_only_when_it_is_unused() {
    report("a socket and a sweeper", handles(&["a"], 0, 1, |_| {}));
    report(
        "a socket, a sweeper, falling asleep",
        handles(&["a"], 0, 1, |run| run.actor(sleeper(run.world.clone()))),
    );
    report("two alarms and a sweeper", handles(&[], 2, 1, |_| {}));
    report("a socket, an alarm, a sweeper", handles(&["a"], 1, 1, |_| {}));
    report("an alarm and two sweepers", handles(&[], 1, 2, |_| {}));
}

#[test]
#[should_panic(expected = "messages wait for an activation that sleeps")]
fn a_lost_wake_up_is_found() {
    let make = || {
        let mut run = Run::new(Rc::new(World::build(2, None, true)));
        run.actor(poster(run.world.clone(), 0, 2));
        run
    };
    explore(make, time_passes);
}
