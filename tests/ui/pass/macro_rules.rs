//! An agent that is made by a `macro_rules`, in a function, without the prelude.

macro_rules! counter {
    ($name:ident, $state:ty, $method:ident, $statement:literal, $step:expr) => {
        #[agents::agent(state = $state, initial_state = $step)]
        struct $name;

        #[agents::agent]
        impl $name {
            #[agents::callable]
            fn $method(
                &self,
                cx: &agents::Context<Self>,
                #[default = $step] by: $state,
            ) -> agents::Result<$state> {
                agents::sql!(cx, $statement)?;
                Ok(by)
            }
        }
    };
}

pub(crate) fn main() {
    use agents::__rt::{Agent, AgentDefinition};

    counter!(Counter, i64, count_up, "DELETE FROM counts", 5);

    assert_eq!(Counter::initial_state(), Some(5));
    assert_eq!(Counter::table().callables[0].name, "countUp");
}
