//! What the tests of this target share: time, ways to lose memory, frames as bytes.

use std::time::Duration;

use agents::Response;
use agents::axum::body::to_bytes;
use agents::http::Uri;
use agents::testing::TestHost;

/// After so long without work an object sleeps, unless its class says otherwise.
pub(crate) const IDLE: Duration = Duration::from_secs(10);
/// Longer than that.
pub(crate) const NAP: Duration = Duration::from_secs(11);

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How an object loses its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Hibernation,
    Crash,
    Restart,
}

impl Loss {
    pub(crate) const ALL: [Self; 3] = [Self::Hibernation, Self::Crash, Self::Restart];

    /// Takes the memory of an object away.
    pub(crate) async fn happen(self, host: TestHost, class: &str, name: &str) -> TestHost {
        let object = host.object(class, name);
        match self {
            Self::Hibernation => object.hibernate().await.expect("nothing keeps it awake"),
            Self::Crash => object.crash().await,
            Self::Restart => return host.restart().await.expect("the host starts again"),
        }
        assert!(!object.is_awake(), "{self:?}");
        host
    }
}

/// A frame as a client sends it, with up to 125 bytes.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [9, 8, 7, 6];
    let mut out = vec![first, 0x80 | u8::try_from(payload.len()).expect("a short payload")];
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

/// A parameter of a query; nothing in it is encoded.
pub(crate) fn param(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}

/// The body of an answer.
pub(crate) async fn body(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a whole body");
    String::from_utf8(bytes.to_vec()).expect("text")
}
