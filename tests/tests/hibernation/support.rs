//! Helpers that the tests of this target share: times, ways to lose memory, and frames as bytes.

use std::time::Duration;

use agents::Response;
use agents::axum::body::to_bytes;
use agents::http::Uri;
use agents::testing::TestHost;

/// The default idle time after which an object hibernates.
pub(crate) const IDLE: Duration = Duration::from_secs(10);
/// A time that is longer than [`IDLE`].
pub(crate) const NAP: Duration = Duration::from_secs(11);

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A way in which an object loses its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Hibernation,
    Crash,
    Restart,
}

impl Loss {
    pub(crate) const ALL: [Self; 3] = [Self::Hibernation, Self::Crash, Self::Restart];

    /// Makes an object lose its memory.
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

/// Returns a frame as a client sends it, with up to 125 bytes.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [9, 8, 7, 6];
    let mut out = vec![first, 0x80 | u8::try_from(payload.len()).expect("a short payload")];
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

/// Returns a parameter of a query, undecoded.
pub(crate) fn param(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}

/// Returns the body of an answer as text.
pub(crate) async fn body(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a whole body");
    String::from_utf8(bytes.to_vec()).expect("text")
}
