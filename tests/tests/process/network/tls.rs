//! TLS in the process itself: the program of the guide `security`, with a certificate of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use agents::client::{AgentClient, ClientError};
use agents::prelude::*;
use agents::testing::TestConnection;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

#[agent]
#[derive(Default)]
struct Vault;

#[agent]
impl Vault {
    #[callable]
    fn peer_is_known(&self, conn: &Connection<Self>) -> Result<bool> {
        Ok(*conn.state()? == json!("127.0.0.1"))
    }

    #[hook]
    fn authorize(&self, req: &ConnectRequest) -> Result<serde_json::Value, Refusal> {
        Ok(req.peer().map_or(json!(null), |peer| json!(peer.ip().to_string())))
    }

    #[hook]
    fn on_request(&self, _: Request) -> &'static str {
        "behind a lock"
    }
}

/// Returns a certificate for `localhost`, its key, and a client that trusts it.
fn certificate() -> (RustlsConfig, TlsConnector, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let server = tokio_rustls::rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a pair");
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a root");
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (RustlsConfig::from_config(Arc::new(server)), TlsConnector::from(Arc::new(client)), certificate)
}

async fn connect(addr: SocketAddr, connector: &TlsConnector) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(addr).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    connector.connect(name, stream).await.expect("a TLS handshake")
}

#[tokio::test]
async fn sockets_and_requests_go_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = Agents::new().register::<Vault>().data_dir(folder.path()).start().expect("a host");
    let (config, connector, certificate) = certificate();
    let handle = Handle::new();
    let app = host.router().into_make_service_with_connect_info::<SocketAddr>();
    let server = axum_server::bind_rustls((Ipv4Addr::LOCALHOST, 0).into(), config).handle(handle.clone());
    let serving = tokio::spawn(server.serve(app));
    let addr = handle.listening().await.expect("an address");

    let stream = connect(addr, &connector).await;
    let (mut client, _) =
        TestConnection::try_open(stream, "localhost", "/agents/vault/a", &[]).await.expect("a handshake");
    client.greeting().await;
    assert!(client.call::<bool>("peerIsKnown", json!([])).await, "the address is the client's");

    let mut stream = connect(addr, &connector).await;
    let request = b"GET /agents/vault/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("behind a lock"), "{answer}");

    // The Rust client connects with the certificate, under another name, and without the certificate.
    let url = format!("https://localhost:{}", addr.port());
    let vault = AgentClient::<Vault>::builder(&url, "a").root_certificate(certificate.to_vec());
    let vault = vault.connect().await.expect("a connection over TLS");
    assert!(vault.peer_is_known().await.expect("an answer"));
    vault.close(1000, "").await.expect("a close");
    let wrong = AgentClient::<Vault>::builder(format!("https://{addr}"), "a");
    let error = wrong.root_certificate(certificate.to_vec()).connect().await.expect_err("another name");
    assert!(
        matches!(&error, ClientError::Connect(why) if why.to_string().contains("not valid for name")),
        "{error}"
    );
    let error = AgentClient::<Vault>::connect(&url, "a").await.expect_err("the certificate is unknown");
    assert!(
        matches!(&error, ClientError::Connect(why) if why.to_string().contains("UnknownIssuer")),
        "{error}"
    );

    // A plain HTTP request gets no answer of an agent.
    let (status, answer) = crate::network::http::get(addr, b"/agents/vault/a").await;
    assert!(status.is_none_or(|status| status == 400), "{answer}");
    assert!(!answer.contains("behind a lock"));

    let (end, ()) = tokio::join!(client.end(), host.shutdown());
    assert_eq!(end, agents::testing::Received::Close(1001, "server shutting down".to_owned()));
    handle.shutdown();
    serving.await.expect("a task").expect("serving");
}
