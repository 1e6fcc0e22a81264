//! TypeScript for the classes of a host, and the command that writes it.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Result};
use crate::server::{Agents, output};
use crate::typescript::TypeScript;
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
    if !types.check {
        return output::print(&format!("{}\n", module.write(out)?.display()));
    }
    match module.diff(out)? {
        None => Ok(()),
        Some(diff) => {
            output::print(&diff)?;
            let out = out.display();
            let message =
                format!("{out} is out of date: run `types` again, with the same options but `--check`");
            Err(Error::new("types_drift", message))
        }
    }
}
