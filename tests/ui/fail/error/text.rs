use agents::prelude::*;

fn text() -> Result<u32> {
    Err("too late")?
}

fn joined(name: &str) -> Result<u32> {
    Err(format!("{name} is too late"))?
}

fn option(found: Option<u32>) -> Result<u32> {
    Ok(found.ok_or("nothing there")?)
}

fn boxed(result: std::result::Result<u32, Box<dyn std::error::Error + Send + Sync>>) -> Result<u32> {
    Ok(result?)
}

fn main() {}
