//! Statements, and the types of their results.

use agents::prelude::*;

#[wire]
struct Post {
    author_name: String,
    body: String,
}

#[wire]
#[derive(Clone, Copy)]
enum Colour {
    Red,
}

#[agent]
struct Room;

#[agent]
impl Room {
    fn reads(&self, cx: &View<Self>, ids: &[i64]) -> Result<Vec<Post>> {
        let _: Option<String> = sql!(cx, "SELECT body FROM posts WHERE id = {ids[0]}")?;
        let _: (i64, String) = sql!(cx, r#"SELECT count(*), '{{"a":1}}' FROM posts"#)?;
        let _: i64 = sql!(cx, "WITH one AS (SELECT 1) SELECT * FROM one")?;
        sql!(cx, "SELECT author_name, body FROM posts WHERE id = {ids.iter().sum::<i64>()} -- {not a value}")
    }

    fn writes(&self, cx: &Context<Self>, post: &Post) -> Result<u64> {
        let colour = Colour::Red;
        let id: i64 = sql!(
            cx,
            "INSERT INTO posts (author, body, colour, data, note)
             VALUES ({post.author_name}, {&post.body}, {colour}, {vec![1_u8, 2]}, {None::<String>})
             RETURNING id",
        )?;
        sql!(cx, r#"UPDATE posts SET body = body || {if id > 1 { "a}" } else { "b" }} WHERE id = {id};"#)
    }
}

pub(crate) fn main() {
    let room = Room;
    let _ = (Room::reads, Room::writes, room);
}
