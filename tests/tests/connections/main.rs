//! Connections and their hooks: rows S1-S61 of the feature list, over a real socket.

mod answer;
mod lifecycle;
