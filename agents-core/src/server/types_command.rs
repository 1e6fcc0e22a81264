//! TypeScript for the classes of a host, and the command that writes it.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Result};
use crate::server::Agents;
use crate::typescript::TypeScript;
use crate::wire::Wire;

impl Agents {
    /// Adds a wire type to the TypeScript that no state and no method names: a message that is broadcast, say.
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

    /// Makes the TypeScript of all classes that are registered so far.
    ///
    /// Nothing is started or opened for it. The command `types --out DIR` of [`run`](Self::run) writes it to
    /// a file, and `types --check --out DIR` compares; a test of yours can do the same:
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
    /// When two types have one name in TypeScript, with both of their Rust names (code `types_name`), or
    /// one has no form there (code `types_form`).
    pub fn typescript(&self) -> Result<TypeScript> {
        TypeScript::of(self.described().collect(), &self.types)
    }
}

/// What the command is asked for.
#[derive(Args, Debug)]
pub(super) struct Types {
    /// The folder of `agents.ts`
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write nothing; print what would change, and fail if anything would
    #[arg(long)]
    check: bool,
    /// Leave the client out, for the clients of the npm package `agents`
    #[arg(long, conflicts_with = "react")]
    types_only: bool,
    /// Add a hook for React
    #[arg(long)]
    react: bool,
    /// JavaScript with declarations, for pages that are not compiled
    #[arg(long)]
    js: bool,
}

/// Writes the files, or compares them and tells the difference.
pub(super) fn command(agents: &Agents, types: &Types) -> Result<()> {
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
    let mut stdout = io::stdout().lock();
    if !types.check {
        writeln!(stdout, "{}", module.write(out)?.display())?;
        return Ok(());
    }
    match module.diff(out)? {
        None => Ok(()),
        Some(diff) => {
            write!(stdout, "{diff}")?;
            stdout.flush()?;
            let out = out.display();
            let message =
                format!("{out} is out of date: run `types` again, with the same options but `--check`");
            Err(Error::new("types_drift", message))
        }
    }
}
