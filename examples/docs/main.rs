//! A document: editors write, viewers watch, and a table lists all changes and all refused attempts.
//!
//! `cargo run --example docs`, then open the address it prints.

#[path = "../shared/web.rs"]
mod web;

use agents::prelude::*;
use agents::state::RejectionKind;

/// The longest text of a document, in characters.
const LONGEST: usize = 2_000;

/// The code that turns a viewer into an editor. A real program keeps such a code out of its source.
struct Invitation(&'static str);

/// The document that all clients see.
#[wire]
#[derive(Clone, Default)]
struct Document {
    title: String,
    text: String,
}

/// The state that the document keeps for one connection. It is dropped with the connection.
#[wire]
#[derive(Clone)]
struct Person {
    name: String,
    editor: bool,
}

/// The rights of a connection.
#[wire]
struct Permissions {
    editor: bool,
    can_edit: bool,
}

#[wire]
struct Upgrade {
    success: bool,
}

/// One line of the audit table.
#[wire]
struct Entry {
    at: u64,
    who: String,
    what: String,
    outcome: String,
}

/// A participant, and whether the participant may write at the moment.
#[wire]
struct Reader {
    name: String,
    can_edit: bool,
}

/// Each event that the document sends on its own initiative.
#[wire]
#[serde(tag = "type")]
enum Event {
    Readers { readers: Vec<Reader> },
    Audit { entry: Entry },
}

/// A document with editors and viewers.
#[agent(state = Document, connection = Person, env = Invitation, strict = true)]
#[derive(Default)]
struct SharedDocument;

#[agent]
impl SharedDocument {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(
            cx,
            "CREATE TABLE IF NOT EXISTS audit (
                at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, outcome TEXT NOT NULL
            )"
        )?;
        Ok(())
    }

    /// Reads the name and the role from the query, which is fine for a demonstration. The example `dashboard`
    /// uses signed tokens.
    #[hook]
    fn authorize(&self, req: &ConnectRequest) -> Result<Person, Refusal> {
        let name = req.query("name").unwrap_or_default().trim().to_owned();
        if name.is_empty() || name.chars().count() > 40 {
            return Err(Refusal::unauthorized("a name of 1 to 40 characters is required"));
        }
        Ok(Person { name, editor: req.query("role").as_deref() == Some("editor") })
    }

    /// Makes a viewer read-only before its first frame is handled.
    #[hook]
    fn should_connection_be_readonly(&self, conn: &Connection<Self>) -> Result<bool> {
        Ok(!conn.state()?.editor)
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>) -> Result<()> {
        self.show_readers(cx)
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>) -> Result<()> {
        self.show_readers(cx)
    }

    #[hook]
    fn validate_state_change(&self, next: &Document) -> Result<()> {
        if next.text.chars().count() > LONGEST {
            return Err(Error::msg(format!("the text has more than {LONGEST} characters")));
        }
        if next.title.trim().is_empty() && !next.text.is_empty() {
            return Err(Error::msg("a document needs a title before a text"));
        }
        Ok(())
    }

    #[hook]
    fn on_state_changed(&self, cx: &Context<Self>, change: StateChange<Self>) -> Result<()> {
        self.note(cx, &change.source, "done".to_owned())
    }

    /// Logs failed attempts, which never reach `on_state_changed`.
    #[hook]
    fn on_state_rejected(&self, cx: &Context<Self>, rejection: StateRejection<Self>) -> Result<()> {
        // A message may contain details such as SQL that clients should not read. The messages of our own
        // validation are safe.
        let why = match rejection.kind {
            RejectionKind::Readonly => "Connection is readonly".to_owned(),
            RejectionKind::Right(right) => format!("the right `{right}` is missing"),
            _ => rejection.message,
        };
        self.note(cx, &rejection.source, format!("refused: {why}"))
    }

    /// Called before the body of every callable that requires a right.
    #[hook]
    fn has_right(&self, conn: &Connection<Self>, right: &str) -> Result<bool> {
        Ok(right == "editor" && conn.state()?.editor)
    }

    /// Sets the title. The check is part of the state change, so the call of a viewer fails there.
    #[callable]
    fn rename(&self, cx: &Context<Self>, title: String) -> Result<()> {
        cx.update_state(|document| document.title = title)
    }

    /// Empties the document. Editors that have locked themselves cannot call it.
    #[callable(write, require = "editor")]
    fn clear(&self, cx: &Context<Self>) -> Result<()> {
        cx.update_state(|document| document.text.clear())
    }

    /// Returns the rights of the caller, so that a page shows only buttons that work.
    #[callable]
    fn get_permissions(&self, conn: &Connection<Self>) -> Result<Permissions> {
        Ok(Permissions { editor: conn.state()?.editor, can_edit: !conn.is_readonly() })
    }

    /// Locks or unlocks the caller. A lock protects an editor from mistakes. It does not protect the
    /// document, so only editors can remove it.
    #[callable(require = "editor")]
    fn set_my_readonly(&self, cx: &Context<Self>, conn: &Connection<Self>, readonly: bool) -> Result<()> {
        conn.set_readonly(readonly)?;
        self.show_readers(cx)
    }

    /// Makes the caller an editor if the code is right.
    #[callable]
    fn upgrade_to_editor(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        code: String,
    ) -> Result<Upgrade> {
        if code != cx.env().0 {
            return Err(Error::msg("Insufficient permissions"));
        }
        conn.update_state(|person| person.editor = true)?;
        conn.set_readonly(false)?;
        self.show_readers(cx)?;
        Ok(Upgrade { success: true })
    }

    /// Returns the last lines of the audit table, oldest first.
    #[callable]
    fn audit(&self, cx: &View<Self>) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> =
            sql!(cx, "SELECT at, who, what, outcome FROM audit ORDER BY rowid DESC LIMIT 50")?;
        entries.reverse();
        Ok(entries)
    }

    fn note(&self, cx: &Context<Self>, source: &StateSource<Self>, outcome: String) -> Result<()> {
        let who = match source.connection() {
            Some(conn) => conn.state()?.name.clone(),
            None => "the agent".to_owned(),
        };
        let what = match source.callable() {
            Some(name) => format!("call {name}"),
            None if source.is_client() => "edit".to_owned(),
            None => "start".to_owned(),
        };
        let entry = Entry { at: cx.now(), who, what, outcome };
        sql!(
            cx,
            "INSERT INTO audit (at, who, what, outcome) VALUES ({entry.at}, {entry.who}, {entry.what}, {entry.outcome})"
        )?;
        cx.broadcast(&Event::Audit { entry })
    }

    fn show_readers(&self, cx: &Context<Self>) -> Result<()> {
        let mut readers = Vec::new();
        for conn in cx.connections() {
            if let Some(person) = conn.try_state()? {
                readers.push(Reader { name: person.name.clone(), can_edit: !conn.is_readonly() });
            }
        }
        cx.broadcast(&Event::Readers { readers })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let agents =
        Agents::new().register::<SharedDocument>().wire_type::<Event>().env(Invitation("open sesame"));
    let types = agents.typescript()?;
    agents.routes_with(move |_| web::pages("docs", &types)).run().await
}
