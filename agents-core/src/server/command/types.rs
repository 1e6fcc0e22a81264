//! TypeScript for the classes of a host, and the command that writes it.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{Error, Result};
use crate::server::{Agents, output};
use crate::typescript::{StateRecord, TypeScript};
use crate::wire::Wire;

impl Agents {
    /// Adds a wire type to the TypeScript that no state and no method names, for example a message that is
    /// broadcast.
    ///
    /// ```
    /// # use agents_core::Agents;
    /// let agents = Agents::new().wire_type::<Vec<String>>();
    /// # let _ = agents;
    /// ```
    #[must_use]
    pub fn wire_type<T: Wire>(mut self) -> Self {
        self.types.push(T::describe);
        self
    }

    /// Returns the TypeScript of all classes that are registered so far.
    ///
    /// This does not start the host or open a file. The command `types --out DIR` of [`run`](Self::run)
    /// writes the TypeScript to files, and `types --check --out DIR` compares them; a test can do the same:
    ///
    /// ```no_run
    /// # use agents_core::Agents;
    /// # fn main() -> agents_core::Result<()> {
    /// # let agents = Agents::new();
    /// assert_eq!(agents.typescript()?.diff("web/src/agents")?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When two types have one name in TypeScript (code `types_name`, with both Rust names), or a type has no
    /// form in TypeScript (code `types_form`).
    pub fn typescript(&self) -> Result<TypeScript> {
        TypeScript::of(self.described().collect(), &self.types)
    }

    /// Checks that the types of the states read the states that a record has: the file `agents.states.json`,
    /// which the command `types` writes. A missing file is an empty record.
    ///
    /// This does not start the host or open a data folder.
    ///
    /// # Errors
    /// `state_changed` when a type has changed without a new `version`, so that stored states may not be
    /// readable; the message has the class, the parts and what to write. `state_record` when the file is not a
    /// record, and `types_file` when it cannot be read.
    pub fn check_states(&self, record: impl AsRef<Path>) -> Result<()> {
        self.states(record.as_ref().to_owned(), false).map(drop)
    }

    /// Adds the forms of the present states to a record, as the command `types` does. A missing file is made.
    ///
    /// # Errors
    /// As [`check_states`](Self::check_states), and then nothing is written; `types_file` when the file cannot
    /// be written.
    pub fn record_states(&self, record: impl AsRef<Path>) -> Result<()> {
        self.states(record.as_ref().to_owned(), false)?.write()
    }

    fn states(&self, record: PathBuf, accept: bool) -> Result<StateRecord> {
        StateRecord::of(&self.described().collect::<Vec<_>>(), record, accept)
    }
}

/// The options of the command.
#[derive(Args, Debug)]
pub(super) struct Types {
    /// The folder of `agents.ts`
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write nothing; print the differences, and fail if there are any
    #[arg(long)]
    check: bool,
    /// The file that records the forms of the stored states [default: `agents.states.json` in the folder]
    #[arg(long, value_name = "FILE")]
    states: Option<PathBuf>,
    /// Record the present types of the states, although they do not read the recorded states
    #[arg(long, conflicts_with = "check")]
    accept_states: bool,
    /// Omit the client, for use with the clients of the npm package `agents`
    #[arg(long, conflicts_with = "react")]
    types_only: bool,
    /// Add a hook for React
    #[arg(long)]
    react: bool,
    /// Write JavaScript with declarations, for pages that are not compiled
    #[arg(long)]
    js: bool,
}

/// Writes the files, or compares them and prints the difference.
pub(super) fn command(agents: &Agents, types: &Types) -> Result<()> {
    if agents.described().next().is_none() && agents.types.is_empty() {
        let message =
            "no class of agents is registered, so there are no types: add each class with `Agents::register`";
        return Err(Error::new("no_class", message));
    }
    agents.check_statements()?;
    let mut module = agents.typescript()?;
    if types.types_only {
        module = module.types_only();
    }
    if types.react {
        module = module.react();
    }
    if types.js {
        module = module.javascript();
    }
    let out = &types.out;
    let file = types.states.clone().unwrap_or_else(|| out.join(StateRecord::FILE));
    let states = agents.states(file, types.accept_states)?;
    for (class, reason) in &states.missing {
        tracing::warn!("changes of the state of `{class}` are not noticed: {reason}");
    }
    if !types.check {
        let first = module.write(out)?;
        states.write()?;
        return output::print(&format!("{}\n", first.display()));
    }
    let diffs: String = module.diff(out)?.into_iter().chain(states.diff()).collect();
    if diffs.is_empty() {
        return Ok(());
    }
    output::print(&diffs)?;
    let out = out.display();
    let message = format!("{out} is out of date: run `types` again, with the same options but `--check`");
    Err(Error::new("types_drift", message))
}
