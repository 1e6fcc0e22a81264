//! Restricts the SQL of users, and the time for which it may run.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, Authorization};

use super::reserved::is_reserved;
use crate::storage::options::BlockInPlace;

const INTERNAL: u8 = 0;
const WRITE: u8 = 1;
const READ: u8 = 2;

/// The number of SQLite instructions between two checks of the clock.
const CHECK_EVERY: i32 = 1000;
/// The time after which a statement lets another thread take over the other tasks of its thread, and the time
/// until it does so again.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const NEXT_PAUSE: Duration = Duration::from_millis(50);
/// The time for which a statement then pauses. A shorter pause would end before another thread has taken
/// over.
const PAUSE: Duration = Duration::from_micros(300);

const SETTINGS: &[&str] = &[
    "case_sensitive_like",
    "defer_foreign_keys",
    "foreign_keys",
    "ignore_check_constraints",
    "legacy_alter_table",
    "recursive_triggers",
    "reverse_unordered_selects",
];
/// These take an argument, which is not a new value of a setting.
const QUESTIONS: &[&str] = &[
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];
const READABLE: &[&str] = &["data_version", "page_size"];
const MODULES: &[&str] = &["fts5", "fts5vocab", "rtree", "rtree_i32"];

/// The guard in front of a connection, shared by a store and the callbacks that it gave to SQLite. It is used
/// only on the thread that runs the statement. It uses atomics because the callbacks have to be `Send`.
#[derive(Debug)]
pub(in crate::storage) struct SqlAuthorizer {
    mode: AtomicU8,
    pragma: AtomicBool,
    setting: AtomicBool,
    /// `true` if the statement makes, changes or drops tables.
    tables: AtomicBool,
    schema: AtomicBool,
    /// `true` if the statement does more than read and write rows.
    reshapes: AtomicBool,
    denied: Mutex<Option<Cow<'static, str>>>,
    /// `true` if a statement was refused because it writes in a read-only context.
    write_denied: AtomicBool,
    epoch: Instant,
    /// Nanoseconds since `epoch`, 0 for none.
    deadline: AtomicU64,
    timed_out: AtomicBool,
    blocking: Option<BlockInPlace>,
    /// The time of the next pause of the running statement, in nanoseconds since `epoch`.
    pause_at: AtomicU64,
}

impl SqlAuthorizer {
    /// Installs a guard in front of a connection. The guard allows everything until [`SqlAuthorizer::enter`].
    pub(in crate::storage) fn install(
        connection: &mut Connection,
        blocking: Option<BlockInPlace>,
    ) -> rusqlite::Result<Arc<Self>> {
        let authorizer = Arc::new(Self {
            mode: AtomicU8::new(INTERNAL),
            pragma: AtomicBool::new(false),
            setting: AtomicBool::new(false),
            tables: AtomicBool::new(false),
            schema: AtomicBool::new(false),
            reshapes: AtomicBool::new(false),
            denied: Mutex::new(None),
            write_denied: AtomicBool::new(false),
            epoch: Instant::now(),
            deadline: AtomicU64::new(0),
            timed_out: AtomicBool::new(false),
            blocking,
            pause_at: AtomicU64::new(0),
        });
        let asked = Arc::clone(&authorizer);
        connection.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| {
            asked.authorize(context.action)
        }))?;
        let clock = Arc::clone(&authorizer);
        connection.progress_handler(CHECK_EVERY, Some(move || clock.is_overdue()))?;
        authorizer.begins();
        Ok(authorizer)
    }

    /// Records that a statement is about to begin.
    pub(in crate::storage) fn begins(&self) {
        if self.blocking.is_some() {
            self.pause_after(self.epoch.elapsed(), FIRST_PAUSE);
        }
    }

    fn pause_after(&self, now: Duration, time: Duration) {
        self.pause_at.store(nanoseconds(now.saturating_add(time)), Ordering::Relaxed);
    }

    /// Treats the following statements as those of a user, until the scope is dropped.
    pub(in crate::storage) fn enter(&self, read_only: bool, timeout: Duration) -> Scope<'_> {
        self.pragma.store(false, Ordering::Relaxed);
        self.setting.store(false, Ordering::Relaxed);
        self.tables.store(false, Ordering::Relaxed);
        self.schema.store(false, Ordering::Relaxed);
        self.reshapes.store(false, Ordering::Relaxed);
        self.timed_out.store(false, Ordering::Relaxed);
        self.write_denied.store(false, Ordering::Relaxed);
        self.set_denied(None);
        let deadline = self.epoch.elapsed().saturating_add(timeout);
        self.deadline.store(nanoseconds(deadline), Ordering::Relaxed);
        self.mode.store(if read_only { READ } else { WRITE }, Ordering::Relaxed);
        Scope { authorizer: self }
    }

    fn is_overdue(&self) -> bool {
        let now = self.epoch.elapsed();
        if let Some(blocking) = self.blocking
            && nanoseconds(now) >= self.pause_at.load(Ordering::Relaxed)
        {
            blocking(&mut || thread::sleep(PAUSE));
            self.pause_after(now, NEXT_PAUSE);
        }
        let deadline = self.deadline.load(Ordering::Relaxed);
        let overdue = deadline != 0 && nanoseconds(now) > deadline;
        if overdue {
            self.timed_out.store(true, Ordering::Relaxed);
        }
        overdue
    }

    fn set_denied(&self, reason: Option<Cow<'static, str>>) {
        *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    fn authorize(&self, action: AuthAction<'_>) -> Authorization {
        let mode = self.mode.load(Ordering::Relaxed);
        if mode == INTERNAL {
            return Authorization::Allow;
        }
        if let AuthAction::Pragma { pragma_name, pragma_value } = action {
            self.pragma.store(true, Ordering::Relaxed);
            let set = pragma_value.is_some() && is_in(SETTINGS, pragma_name);
            self.setting.fetch_or(set, Ordering::Relaxed);
        }
        if matches!(
            action,
            AuthAction::CreateTable { .. } | AuthAction::AlterTable { .. } | AuthAction::DropTable { .. }
        ) {
            self.tables.store(true, Ordering::Relaxed);
        }
        if makes_names(action) {
            self.schema.store(true, Ordering::Relaxed);
        }
        if !is_about_rows(action) {
            self.reshapes.store(true, Ordering::Relaxed);
        }
        match judge(action, mode == READ) {
            Verdict::Allow => Authorization::Allow,
            Verdict::Ignore => Authorization::Ignore,
            Verdict::DenyWrite => {
                self.write_denied.store(true, Ordering::Relaxed);
                Authorization::Deny
            }
            Verdict::Deny(reason) => {
                self.set_denied(Some(reason));
                Authorization::Deny
            }
        }
    }
}

/// The scope in which a statement of a user is prepared or run.
#[derive(Debug)]
pub(in crate::storage) struct Scope<'a> {
    authorizer: &'a SqlAuthorizer,
}

impl Scope<'_> {
    /// Runs a statement of the runtime during a statement of the user.
    pub(in crate::storage) fn internal<R>(&self, run: impl FnOnce() -> R) -> R {
        let mode = self.authorizer.mode.swap(INTERNAL, Ordering::Relaxed);
        let deadline = self.authorizer.deadline.swap(0, Ordering::Relaxed);
        let result = run();
        self.authorizer.deadline.store(deadline, Ordering::Relaxed);
        self.authorizer.mode.store(mode, Ordering::Relaxed);
        result
    }

    /// Returns the reason of a denial, if the guard denied something.
    pub(in crate::storage) fn denied(&self) -> Option<Cow<'static, str>> {
        self.authorizer.denied.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns whether the guard refused the statement because only reading is allowed.
    pub(in crate::storage) fn denied_write(&self) -> bool {
        self.authorizer.write_denied.load(Ordering::Relaxed)
    }

    pub(in crate::storage) fn timed_out(&self) -> bool {
        self.authorizer.timed_out.load(Ordering::Relaxed)
    }

    /// Returns whether the statement is a PRAGMA. Most of them act while they are prepared, so they must not
    /// be cached: a second run from the cache would do nothing.
    pub(in crate::storage) fn saw_pragma(&self) -> bool {
        self.authorizer.pragma.load(Ordering::Relaxed)
    }

    /// Returns whether the statement makes, changes or drops tables.
    pub(in crate::storage) fn saw_tables(&self) -> bool {
        self.authorizer.tables.load(Ordering::Relaxed)
    }

    /// Returns whether the statement that was prepared last may give something a name or refer to a name. The
    /// call resets the answer.
    pub(in crate::storage) fn saw_names(&self) -> bool {
        self.authorizer.schema.swap(false, Ordering::Relaxed)
    }

    /// Returns whether the statement does more than read and write rows, so that other statements may run
    /// differently after it.
    pub(super) fn saw_reshaping(&self) -> bool {
        self.authorizer.reshapes.load(Ordering::Relaxed)
    }

    /// Returns whether the statement is a PRAGMA that changes a setting.
    pub(in crate::storage) fn saw_setting(&self) -> bool {
        self.authorizer.setting.load(Ordering::Relaxed)
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        self.authorizer.mode.store(INTERNAL, Ordering::Relaxed);
        self.authorizer.deadline.store(0, Ordering::Relaxed);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Allow,
    /// The statement continues without this action.
    Ignore,
    Deny(Cow<'static, str>),
    /// The statement writes, and only reading is allowed.
    DenyWrite,
}

fn makes_names(action: AuthAction<'_>) -> bool {
    use AuthAction as A;
    matches!(
        action,
        A::CreateTable { .. }
            | A::CreateVtable { .. }
            | A::CreateIndex { .. }
            | A::CreateView { .. }
            | A::CreateTrigger { .. }
            | A::AlterTable { .. }
    )
}

fn is_about_rows(action: AuthAction<'_>) -> bool {
    use AuthAction as A;
    matches!(
        action,
        A::Select
            | A::Recursive
            | A::Read { .. }
            | A::Insert { .. }
            | A::Update { .. }
            | A::Delete { .. }
            | A::Function { .. }
    )
}

fn judge(action: AuthAction<'_>, read_only: bool) -> Verdict {
    use AuthAction as A;
    let deny = |reason: &'static str| Verdict::Deny(Cow::Borrowed(reason));
    let tables = |names: &[&str]| match names.iter().find(|name| is_reserved(name)) {
        Some(name) => Verdict::Deny(Cow::Owned(format!("`{name}` belongs to the runtime"))),
        None => Verdict::Allow,
    };
    match action {
        A::Select | A::Recursive => Verdict::Allow,
        A::Function { function_name } => {
            if ["load_extension", "fts3_tokenizer"]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(function_name))
            {
                Verdict::Deny(Cow::Owned(format!("the function `{function_name}` is not available")))
            } else {
                Verdict::Allow
            }
        }
        A::Read { table_name, .. }
        | A::Insert { table_name }
        | A::Update { table_name, .. }
        | A::Delete { table_name }
        | A::CreateTable { table_name }
        | A::DropTable { table_name }
        | A::AlterTable { table_name, .. }
        | A::DropVtable { table_name, .. } => tables(&[table_name]),
        A::CreateIndex { index_name, table_name } | A::DropIndex { index_name, table_name } => {
            tables(&[index_name, table_name])
        }
        A::CreateTrigger { trigger_name, table_name } | A::DropTrigger { trigger_name, table_name } => {
            tables(&[trigger_name, table_name])
        }
        A::CreateView { view_name } | A::DropView { view_name } => tables(&[view_name]),
        A::CreateVtable { table_name, module_name } => {
            if MODULES.iter().any(|module| module.eq_ignore_ascii_case(module_name)) {
                tables(&[table_name])
            } else {
                Verdict::Deny(Cow::Owned(format!(
                    "virtual tables of the kind `{module_name}` are not available"
                )))
            }
        }
        // ANALYZE without a name means all tables. The tables of the runtime are then left out.
        A::Analyze { table_name } if is_reserved(table_name) => Verdict::Ignore,
        A::Analyze { .. } | A::Reindex { .. } => Verdict::Allow,
        A::Pragma { pragma_name, pragma_value } => judge_pragma(pragma_name, pragma_value, read_only),
        A::Transaction { .. } | A::Savepoint { .. } => deny(
            "BEGIN, COMMIT, ROLLBACK and SAVEPOINT belong to the runtime: use `transaction` for several statements that count together",
        ),
        A::Attach { .. } | A::Detach { .. } => {
            deny("an object has one database: ATTACH, DETACH and VACUUM are not available")
        }
        A::CreateTempTable { .. }
        | A::CreateTempIndex { .. }
        | A::CreateTempTrigger { .. }
        | A::CreateTempView { .. }
        | A::DropTempTable { .. }
        | A::DropTempIndex { .. }
        | A::DropTempTrigger { .. }
        | A::DropTempView { .. } => {
            deny("temporary tables would be gone when the object sleeps: use an ordinary table")
        }
        _ => deny("this is not available"),
    }
}

fn is_in(list: &[&str], name: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn judge_pragma(name: &str, value: Option<&str>, read_only: bool) -> Verdict {
    let is = |list| is_in(list, name);
    let sets = value.is_some() || name.eq_ignore_ascii_case("optimize");
    if is(QUESTIONS) || (is(READABLE) && value.is_none()) {
        Verdict::Allow
    } else if is(SETTINGS) || name.eq_ignore_ascii_case("optimize") {
        if !sets {
            Verdict::Allow
        } else if read_only {
            // Settings take effect while they are prepared, so the check for statements that write would be
            // too late.
            Verdict::DenyWrite
        } else if name.eq_ignore_ascii_case("foreign_keys") {
            // This setting has no effect inside a transaction. The statements of users always run in one.
            Verdict::Ignore
        } else {
            Verdict::Allow
        }
    } else {
        Verdict::Deny(Cow::Owned(format!("PRAGMA {name} is not available")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_need_the_right_to_write() {
        assert_eq!(judge_pragma("foreign_keys", None, true), Verdict::Allow);
        assert_eq!(judge_pragma("Foreign_Keys", Some("off"), false), Verdict::Ignore);
        assert_eq!(judge_pragma("DEFER_FOREIGN_KEYS", Some("on"), false), Verdict::Allow);
        assert_eq!(judge_pragma("defer_foreign_keys", Some("on"), true), Verdict::DenyWrite);
        assert_eq!(judge_pragma("optimize", None, true), Verdict::DenyWrite);
        assert_eq!(judge_pragma("table_info", Some("t"), true), Verdict::Allow);
        assert!(matches!(judge_pragma("page_size", Some("512"), false), Verdict::Deny(_)));
        assert!(matches!(judge_pragma("journal_mode", None, false), Verdict::Deny(_)));
    }
}
