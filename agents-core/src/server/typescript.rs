//! TypeScript for the classes of a host, and the command that writes it.

use std::io::{self, Write};
use std::path::Path;

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

/// Writes the file, or compares it and tells the difference.
pub(super) fn command(agents: &Agents, out: &Path, check: bool) -> Result<()> {
    let module = agents.typescript()?;
    let mut stdout = io::stdout().lock();
    if !check {
        writeln!(stdout, "{}", module.write(out)?.display())?;
        return Ok(());
    }
    match module.diff(out)? {
        None => Ok(()),
        Some(diff) => {
            write!(stdout, "{diff}")?;
            stdout.flush()?;
            let file = out.join(TypeScript::FILE);
            let message = format!("{} is out of date: run `types --out {}`", file.display(), out.display());
            Err(Error::new("types_drift", message))
        }
    }
}
