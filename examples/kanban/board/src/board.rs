//! The board.

use agents::prelude::*;
#[cfg(feature = "server")]
use agents::{axum::response::IntoResponse, http::Method, state::RejectionKind};

use crate::{Card, CardDetails, Columns, Entry, Imported, Member, NewCard, Progress, Role};
#[cfg(feature = "server")]
use crate::{Change, Lobby, card, login::User};

/// A board: columns with cards, which its members change together.
///
/// The state has what every page shows. Long texts, files, members and the record are in tables.
#[agent(state = Columns, connection = Member, strict = true, migrations = migrations![
    "CREATE TABLE members (name TEXT PRIMARY KEY, role TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE cards (id INTEGER PRIMARY KEY AUTOINCREMENT, description TEXT NOT NULL) STRICT",
    "CREATE TABLE files (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        card INTEGER REFERENCES cards (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        size INTEGER NOT NULL,
        at INTEGER NOT NULL,
        complete INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX files_of_cards ON files (card);
    CREATE TABLE parts (
        file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (file, number)
    ) STRICT",
    "CREATE TABLE record (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        who TEXT NOT NULL,
        card INTEGER,
        change TEXT NOT NULL
    ) STRICT;
    CREATE INDEX history ON record (id) WHERE card IS NOT NULL",
])]
#[derive(Debug, Default)]
pub struct Board;

#[agent]
impl Board {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        Self::delete_leftovers(cx)
    }

    /// Admits members. Another user learns nothing about the board.
    #[hook]
    fn authorize(&self, cx: &View<Self>, request: &ConnectRequest) -> Result<Member, Refusal> {
        let User { name } = request.identity()?;
        match Self::role_of(cx, &name)? {
            Some(role) => Ok(Member { name, role }),
            None => Err(Refusal::not_found("there is no such board")),
        }
    }

    /// Finds the connections of a user when a role changes.
    #[hook]
    fn connection_tags(&self, conn: &Connection<Self>) -> Result<Vec<String>> {
        Ok(vec![user_tag(&conn.state()?.name)])
    }

    #[hook]
    fn should_connection_be_readonly(&self, conn: &Connection<Self>) -> Result<bool> {
        Ok(!conn.state()?.role.may_write())
    }

    #[hook]
    fn has_right(&self, conn: &Connection<Self>, right: &str) -> Result<bool> {
        Ok(right == "owner" && conn.state()?.role == Role::Owner)
    }

    /// Refuses whole states: two members who push one would undo each other's changes.
    #[hook]
    fn validate_state_change(&self, _next: &Columns, source: &StateSource<Self>) -> Result<()> {
        if source.is_client() {
            return Err(Error::invalid("call a method to change the board"));
        }
        Ok(())
    }

    /// Writes refused attempts to the audit.
    #[hook]
    fn on_state_rejected(&self, cx: &Context<Self>, rejection: StateRejection<Self>) -> Result<()> {
        if !matches!(rejection.kind, RejectionKind::Readonly | RejectionKind::Right(_)) {
            return Ok(());
        }
        let Some(from) = rejection.source.connection() else { return Ok(()) };
        let attempt = rejection.source.callable().unwrap_or("setState").to_owned();
        Self::record(cx, &from.state()?.name, None, Change::Refused { attempt })
    }

    /// Files: `POST files?card=7&name=plan.pdf` stores the body, and `GET files/3` returns it. Without a card the
    /// file is for [`import`](Self::import).
    #[hook]
    async fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<Response> {
        let head = ConnectRequest::from(&request);
        let User { name } = head.identity()?;
        // HTTP has no connection, so no hook has checked the role.
        let role =
            Self::role_of(&cx.view(), &name)?.ok_or_else(|| Error::not_found("there is no such board"))?;
        let path: Vec<_> = head.path().split('/').filter(|part| !part.is_empty()).skip(3).collect();
        match (head.method(), &*path) {
            (&Method::POST, ["files"]) if role.may_write() => {
                let card = head.query("card").map(|id| id.parse()).transpose();
                let card = card.map_err(|_| Error::invalid("a card is a number"))?;
                let file = head.query("name").ok_or_else(|| Error::invalid("a file needs a name"))?;
                let stored = Self::store_file(cx, card, &file, request.into_body()).await?;
                if card.is_some() {
                    Self::record(cx, &name, card, Change::FileAdded { name: stored.name.clone() })?;
                }
                Ok(agents::axum::Json(stored).into_response())
            }
            (&Method::GET, ["files", id]) => {
                let id = id.parse().map_err(|_| Error::invalid("a file is a number"))?;
                Self::send_file(cx, id)
            }
            (&Method::POST, ["files"]) => {
                Self::record(cx, &name, None, Change::Refused { attempt: "POST files".to_owned() })?;
                Err(Error::forbidden("viewers do not change the board"))
            }
            _ => Err(Error::not_found("there is nothing here")),
        }
    }

    /// Called by the lobby of a user who makes the board.
    #[callable(internal)]
    fn create(&self, cx: &Context<Self>, owner: String) -> Result<()> {
        let role = Self::role_of(&cx.view(), &owner)?;
        if role == Some(Role::Owner) {
            return Ok(());
        }
        let members: u32 = sql!(cx, "SELECT count(*) FROM members")?;
        if members > 0 {
            return Err(Error::conflict("there is a board of this name"));
        }
        sql!(cx, "INSERT INTO members (name, role) VALUES ({owner}, {Role::Owner})")?;
        Self::record(cx, &owner, None, Change::Created)
    }

    /// Returns the members by name.
    #[callable]
    fn members(&self, cx: &View<Self>) -> Result<Vec<Member>> {
        sql!(cx, "SELECT name, role FROM members ORDER BY name")
    }

    /// Gives a user a role, or removes a member. The user's open pages follow at once.
    #[callable(require = "owner", exclusive)]
    async fn share(
        &self,
        cx: &Context<Self>,
        from: &Connection<Self>,
        user: String,
        role: Option<Role>,
    ) -> Result<()> {
        let user = User::named(&user)?.name;
        let others: u32 =
            sql!(cx, "SELECT count(*) FROM members WHERE role = {Role::Owner} AND name <> {user}")?;
        if role != Some(Role::Owner) && others == 0 {
            return Err(Error::conflict("a board needs an owner"));
        }
        match role {
            Some(role) => {
                sql!(
                    cx,
                    "INSERT INTO members (name, role) VALUES ({user}, {role})
                     ON CONFLICT (name) DO UPDATE SET role = excluded.role"
                )?;
            }
            None => {
                sql!(cx, "DELETE FROM members WHERE name = {user}")?;
            }
        }
        Self::record(cx, &from.state()?.name, None, Change::Shared { member: user.clone(), role })?;
        for conn in cx.connections_tagged(&user_tag(&user)) {
            match role {
                Some(role) => {
                    conn.update_state(|member| member.role = role)?;
                    conn.set_readonly(!role.may_write())?;
                }
                None => conn.close(4403, "you are no longer a member")?,
            }
        }
        cx.agent::<Lobby>(user).listed(cx.name().to_owned(), role).await
    }

    /// Adds a column at the right.
    #[callable(write)]
    fn add_column(&self, cx: &Context<Self>, from: &Connection<Self>, title: String) -> Result<()> {
        let title = card::title(&title)?;
        cx.update_state(|board| board.add_column(&title))?;
        Self::record(cx, &from.state()?.name, None, Change::ColumnAdded { title })
    }

    /// Removes an empty column.
    #[callable(write)]
    fn remove_column(&self, cx: &Context<Self>, from: &Connection<Self>, title: String) -> Result<()> {
        cx.update_state(|board| board.remove_column(&title))?;
        Self::record(cx, &from.state()?.name, None, Change::ColumnRemoved { title })
    }

    /// Adds a card at the end of its column.
    #[callable(write)]
    fn add_card(&self, cx: &Context<Self>, from: &Connection<Self>, card: NewCard) -> Result<Card> {
        let who = &from.state()?.name;
        cx.update_state(|board| Self::add(cx, board, who, card))
    }

    /// Changes the texts of a card.
    #[callable(write)]
    fn edit_card(
        &self,
        cx: &Context<Self>,
        from: &Connection<Self>,
        id: i64,
        title: String,
        description: String,
    ) -> Result<()> {
        let title = card::title(&title)?;
        card::check_description(&description)?;
        cx.update_state(|board| board.card(id).map(|card| card.title = title.clone()))?;
        sql!(cx, "UPDATE cards SET description = {description} WHERE id = {id}")?;
        Self::record(cx, &from.state()?.name, Some(id), Change::CardEdited { title })
    }

    /// Moves a card into a column: above the card `before`, or to the end.
    #[callable(write)]
    fn move_card(
        &self,
        cx: &Context<Self>,
        from: &Connection<Self>,
        id: i64,
        column: String,
        before: Option<i64>,
    ) -> Result<()> {
        let left = cx.update_state(|board| {
            let left = board.find(id).map(|(column, _)| column.to_owned());
            let card = board.take(id)?;
            board.insert(card, &column, before)?;
            Ok(left)
        })?;
        let change = Change::CardMoved { from: left.unwrap_or_default(), to: column };
        Self::record(cx, &from.state()?.name, Some(id), change)
    }

    /// Removes a card and its files.
    #[callable(write)]
    fn remove_card(&self, cx: &Context<Self>, from: &Connection<Self>, id: i64) -> Result<()> {
        let card = cx.update_state(|board| board.take(id))?;
        sql!(cx, "DELETE FROM cards WHERE id = {id}")?;
        Self::record(cx, &from.state()?.name, Some(id), Change::CardRemoved { title: card.title })
    }

    /// Returns the parts of a card that the state does not have.
    #[callable]
    fn card(&self, cx: &View<Self>, id: i64) -> Result<CardDetails> {
        let description: Option<String> = sql!(cx, "SELECT description FROM cards WHERE id = {id}")?;
        let description = description.ok_or_else(|| crate::columns::no_card(id))?;
        let files = sql!(cx, "SELECT id, name, size FROM files WHERE card = {id} AND complete ORDER BY id")?;
        Ok(CardDetails { description, files })
    }

    /// Removes a file from its card.
    #[callable(write)]
    fn remove_file(&self, cx: &Context<Self>, from: &Connection<Self>, file: i64) -> Result<()> {
        let (card, name) = Self::delete_file(cx, file)?;
        Self::record(cx, &from.state()?.name, card, Change::FileRemoved { name })
    }

    /// Adds the cards of a file of JSON lines, which is removed afterwards, and reports the progress.
    #[callable(write, exclusive)]
    async fn import(
        &self,
        cx: &Context<Self>,
        from: &Connection<Self>,
        out: &StreamingResponse<Progress>,
        file: i64,
    ) -> Result<Imported> {
        let who = from.state()?.name.clone();
        let imported = Self::import_file(cx, &who, out, file).await?;
        Self::delete_file(cx, file)?;
        Self::record(cx, &who, None, Change::Imported { added: imported.added })?;
        Ok(imported)
    }

    /// Returns a page of the changes of cards, newest first: those before the entry `before`.
    #[callable]
    fn history(
        &self,
        cx: &View<Self>,
        before: Option<i64>,
        #[default = 50] limit: u32,
    ) -> Result<Vec<Entry>> {
        Self::page_of_history(cx, before, limit)
    }

    /// Returns a page of all changes and refused attempts, newest first: those before the entry `before`.
    #[callable(require = "owner")]
    fn audit(&self, cx: &View<Self>, before: Option<i64>, #[default = 50] limit: u32) -> Result<Vec<Entry>> {
        Self::page_of_audit(cx, before, limit)
    }

    fn role_of(cx: &View<Self>, user: &str) -> Result<Option<Role>> {
        sql!(cx, "SELECT role FROM members WHERE name = {user}")
    }

    /// Adds a card to the state that is given, and its row. Nothing is written for a card that does not fit.
    pub(crate) fn add(cx: &Context<Self>, board: &mut Columns, who: &str, new: NewCard) -> Result<Card> {
        let title = card::title(&new.title)?;
        card::check_description(&new.description)?;
        let first = board.columns.first().map(|column| column.title.clone());
        let column = new.column.or(first).unwrap_or_default();
        board.check_room(&column)?;
        let id = sql!(cx, "INSERT INTO cards (description) VALUES ({new.description}) RETURNING id")?;
        let card = Card { id, title, files: 0 };
        board.insert(card.clone(), &column, None)?;
        Self::record(cx, who, Some(id), Change::CardAdded { title: card.title.clone(), column })?;
        Ok(card)
    }
}

#[cfg(feature = "server")]
fn user_tag(name: &str) -> String {
    format!("user:{name}")
}
