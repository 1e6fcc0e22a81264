//! An explorer that runs small actors in every possible order of their steps.
//!
//! An actor is a future. After each [`step`] it continues in some order with the other actors. At [`wait_for_wake`] it
//! waits until it is woken. A run follows one schedule to its end. The next run repeats that schedule up to
//! the last point where another actor could have run first, and runs that actor.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

type Actor = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    /// Set when the running actor wants to continue by itself.
    static STEPPED: Cell<bool> = const { Cell::new(false) };
    /// The actors that the running actor has started.
    static STARTED: RefCell<Vec<Actor>> = const { RefCell::new(Vec::new()) };
}

/// Lets other actors run first.
pub(super) async fn step() {
    let mut done = false;
    poll_fn(|_| {
        if std::mem::replace(&mut done, true) {
            return Poll::Ready(());
        }
        STEPPED.set(true);
        Poll::Pending
    })
    .await;
}

/// Waits until the actor is woken; an actor that was woken since its last wait continues at once.
pub(super) async fn wait_for_wake() {
    let mut done = false;
    poll_fn(|_| if std::mem::replace(&mut done, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Starts another actor.
pub(super) fn start(actor: impl Future<Output = ()> + 'static) {
    STARTED.with_borrow_mut(|started| started.push(Box::pin(actor)));
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    actor: Option<Actor>,
    stepped: bool,
    woken: Arc<Flag>,
}

impl Task {
    fn can_go(&self) -> bool {
        self.actor.is_some() && (self.stepped || self.woken.0.load(Ordering::Relaxed))
    }

    fn go(&mut self) {
        let Some(actor) = &mut self.actor else { return };
        if !std::mem::take(&mut self.stepped) {
            self.woken.0.store(false, Ordering::Relaxed);
        }
        let waker = Waker::from(self.woken.clone());
        let polled = actor.as_mut().poll(&mut Context::from_waker(&waker));
        self.stepped = STEPPED.take();
        if polled.is_ready() {
            self.actor = None;
        }
    }
}

/// A run with its actors. The run is over when no actor can continue and `idle` wakes none.
pub(super) struct Run<W> {
    /// The state that the actors share.
    pub(super) world: W,
    tasks: Vec<Task>,
}

impl<W> Run<W> {
    pub(super) fn new(world: W) -> Self {
        Self { world, tasks: Vec::new() }
    }

    pub(super) fn actor(&mut self, actor: impl Future<Output = ()> + 'static) {
        self.add(Box::pin(actor));
    }

    fn add(&mut self, actor: Actor) {
        self.tasks.push(Task { actor: Some(actor), stepped: true, woken: Arc::default() });
    }

    /// Returns the number of actors that wait for an event that can no longer happen.
    pub(super) fn waiting(&self) -> usize {
        self.tasks.iter().filter(|task| task.actor.is_some()).count()
    }
}

/// One schedule: for each point where several actors could run, the chosen one and their number.
type Schedule = VecDeque<(usize, usize)>;

/// Explores all schedules of the runs that `make` returns, and returns the number of schedules.
///
/// `idle` is called when no actor can continue. It wakes an actor, as the passing of time does, or checks
/// the result and returns `false`.
pub(super) fn explore<W>(make: impl Fn() -> Run<W>, idle: impl Fn(&Run<W>) -> bool) -> usize {
    let mut schedule = Schedule::new();
    let mut count = 0;
    loop {
        count += 1;
        follow(&mut schedule, make(), &idle);
        while schedule.back().is_some_and(|(chosen, of)| chosen + 1 == *of) {
            schedule.pop_back();
        }
        match schedule.back_mut() {
            Some((chosen, _)) => *chosen += 1,
            None => return count,
        }
    }
}

fn follow<W>(schedule: &mut Schedule, mut run: Run<W>, idle: &impl Fn(&Run<W>) -> bool) {
    let mut at = 0;
    loop {
        let ready: Vec<_> = (0..run.tasks.len()).filter(|task| run.tasks[*task].can_go()).collect();
        let task = match ready[..] {
            [] if idle(&run) => continue,
            [] => return,
            [only] => only,
            _ => {
                if at == schedule.len() {
                    schedule.push_back((0, ready.len()));
                }
                at += 1;
                ready[schedule[at - 1].0]
            }
        };
        run.tasks[task].go();
        for actor in STARTED.take() {
            run.add(actor);
        }
    }
}

#[test]
fn all_orders_are_explored() {
    // Two actors of three steps each: 6 over 3. The last poll of each actor ends it.
    let make = || {
        let mut run = Run::new(());
        for _ in 0..2 {
            run.actor(async {
                step().await;
                step().await;
            });
        }
        run
    };
    assert_eq!(explore(make, |_| false), 20);
}
