//! Behaviour tests of `agents`; see `tests/`.
