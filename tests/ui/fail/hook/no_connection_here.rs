use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_request(&self, conn: &Connection<Self>, request: Request) -> Result<Response> {
        let _ = (conn, request);
        Err(Error::msg("no"))
    }

    #[hook]
    async fn authorize(&self, conn: &Connection<Self>) -> Result<(), Refusal> {
        let _ = conn;
        Ok(())
    }

    #[hook]
    async fn on_message(&self, request: &ConnectRequest, message: Message) {
        let _ = (request, message);
    }
}

fn main() {}
