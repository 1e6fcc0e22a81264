use agents::axum::Json;
use agents::prelude::*;

struct Order;

#[agent]
struct Shop;

#[agent]
impl Shop {
    #[hook]
    fn on_request(&self, order: Order) -> &'static str {
        drop(order);
        "thanks"
    }
}

#[agent]
struct Kiosk;

#[agent]
impl Kiosk {
    #[hook]
    fn on_request(&self, order: Json<String>, request: Request) -> &'static str {
        drop((order, request));
        "thanks"
    }
}

#[agent]
struct Stall;

#[agent]
impl Stall {
    #[hook]
    fn on_request(&self, request: &Request) -> &'static str {
        let _ = request;
        "thanks"
    }
}

fn main() {}
