//! Rights: the hook in all its forms, callables that require a right, and a strict class.

use agents::prelude::*;

#[agent(strict = true)]
#[derive(Default)]
struct Plain;

#[agent]
impl Plain {
    #[hook]
    fn has_right(&self, right: &str) -> bool {
        right == "editor"
    }

    #[callable(require = "editor")]
    fn edit(&self) {}

    #[callable(require = "writable")]
    fn write(&self) {}

    #[callable(write, require = "editor", exclusive)]
    async fn all(&self, cx: &Context<Self>) -> Result<()> {
        cx.require_writable()
    }
}

#[agent(connection = String)]
#[derive(Default)]
struct Full;

#[agent]
impl Full {
    #[hook]
    async fn has_right(&self, cx: &View<Self>, conn: &Connection<Self>, right: &str) -> Result<bool> {
        cx.require_writable()?;
        Ok(*conn.state()? == right)
    }

    #[callable(require = "editor")]
    fn edit(&self) {}
}

#[agent]
#[derive(Default)]
struct Sometimes;

#[agent]
impl Sometimes {
    #[hook]
    fn has_right(&self, right: &str, conn: Option<&Connection<Self>>) -> bool {
        conn.is_some() && !right.is_empty()
    }
}

/// An agent whose only right needs no hook.
#[agent]
#[derive(Default)]
struct Writable;

#[agent]
impl Writable {
    #[callable(require = "writable")]
    fn write(&self, cx: &View<Self>) -> Result<u32> {
        Ok(cx.storage().get("count")?.unwrap_or_default())
    }
}

pub(crate) fn main() {
    let _ =
        Agents::new().register::<Plain>().register::<Full>().register::<Sometimes>().register::<Writable>();
}
