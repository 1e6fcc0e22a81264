//! The login over HTTP.

use std::path::Path;

use agents::serde::de::DeserializeOwned;
use agents::serde_json::{Value, from_str, json};
use agents::{Error, Result};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Body, Client, Response};
use tokio::fs::File;

/// A login, as a cookie.
pub(crate) struct Session {
    http: Client,
    url: String,
    cookie: String,
}

impl Session {
    /// Logs a user in.
    pub(crate) async fn log_in(url: &str, user: &str, password: &str) -> Result<Self> {
        let http = Client::new();
        let url = url.trim_end_matches('/').to_owned();
        let attempt = json!({ "name": user, "password": password });
        let response = http.post(format!("{url}/login")).json(&attempt).send().await?;
        let cookie = response.headers().get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned();
        answer::<Value>(response).await?;
        Ok(Self { http, url, cookie })
    }

    /// Returns the address of the server.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the header `Cookie`.
    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Sends a file to a board. Only a piece of the file is in memory.
    pub(crate) async fn upload<T: DeserializeOwned>(&self, board: &str, file: &Path) -> Result<T> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let request =
            self.http.post(format!("{}/agents/board/{board}/files", self.url)).query(&[("name", name)]);
        let body = Body::from(File::open(file).await?);
        answer(request.header(COOKIE, &self.cookie).body(body).send().await?).await
    }
}

/// Returns the body of a response, or the message of an error of the server.
async fn answer<T: DeserializeOwned>(response: Response) -> Result<T> {
    let status = response.status();
    let text = response.text().await?;
    if status.is_success() {
        return Ok(from_str(&text)?);
    }
    let error: Value = from_str(&text).unwrap_or_default();
    Err(Error::msg(error["message"].as_str().unwrap_or(status.as_str()).to_owned()))
}
