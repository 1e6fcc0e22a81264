//! Sends bytes to a real server over a real socket.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use agents::prelude::*;
use agents::serde_json::Value;

#[wire]
#[derive(Clone, Default)]
struct Tally {
    count: i64,
}

/// An agent that handles every kind of frame.
#[agent(state = Tally)]
#[derive(Default)]
struct Probe;

#[agent]
impl Probe {
    #[hook]
    fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        conn.send(message)
    }

    #[callable]
    fn echo(&self, value: Value) -> Value {
        value
    }

    #[callable]
    fn add(&self, cx: &Context<Self>, by: i32) -> Result<i64> {
        cx.update_state(|tally| {
            tally.count = tally.count.wrapping_add(by.into());
            tally.count
        })
    }

    #[callable]
    fn keep(&self, conn: &Connection<Self>, state: Value) -> Result<()> {
        conn.set_state(state)
    }
}

/// The server for all inputs, and a second socket on which the agent must always answer.
struct Server {
    address: SocketAddr,
    witness: Mutex<TcpStream>,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || serve(&sender));
        let address = receiver.recv().expect("the server starts");
        Server { address, witness: Mutex::new(connect(address, "fuzzed")) }
    })
}

fn serve(started: &std::sync::mpsc::Sender<SocketAddr>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let data = std::env::temp_dir().join(format!("agents-fuzz-{}", std::process::id()));
        let host = Agents::new().register::<Probe>().data_dir(data).start().expect("a host");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        started.send(listener.local_addr().expect("an address")).expect("the receiver waits");
        agents::axum::serve(listener, host.router()).await.expect("serves on");
    });
}

fn connect(address: SocketAddr, name: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let handshake = format!(
        "GET /agents/probe/{name} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(handshake.as_bytes()).expect("the handshake is sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the handshake is answered");
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Reads once. The read is repeated when the timer of libFuzzer interrupts the system call.
fn read(stream: &mut TcpStream, into: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match stream.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Returns a client frame whose mask changes nothing.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()) {
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Checks that the server answers or closes a client that sends any bytes, and that the agent and other
/// clients still work.
///
/// If the first byte is even, the rest is sent unchanged. If it is odd, the rest is sent as text messages,
/// one for each line.
pub fn socket(data: &[u8]) {
    let Some((mode, data)) = data.split_first() else { return };
    let server = server();
    let mut stream = connect(server.address, "fuzzed");
    let mut bytes = match mode % 2 {
        0 => data.to_vec(),
        _ => data.split(|byte| *byte == b'\n').flat_map(|line| frame(1, line)).collect(),
    };
    bytes.extend(frame(8, &1000_u16.to_be_bytes()));
    // The server may have closed the connection already. Unread bytes then cause a reset.
    if stream.write_all(&bytes).is_ok() {
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut sink = [0; 4096];
        loop {
            match read(&mut stream, &mut sink) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                    break;
                }
                Err(error) => panic!("the server neither answers nor closes: {error}"),
            }
        }
    }
    witnessed(server);
}

/// Checks that the agent that got all inputs still answers a correct client.
fn witnessed(server: &Server) {
    let mut witness = server.witness.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let call = br#"{"type":"rpc","id":"w","method":"echo","args":["here"]}"#;
    witness.write_all(&frame(1, call)).expect("the witness is connected");
    let wanted = br#""result":"here""#;
    let mut heard: Vec<u8> = Vec::new();
    while !heard.windows(wanted.len()).any(|window| window == wanted) {
        let mut part = [0; 1024];
        let read = read(&mut witness, &mut part).expect("the agent answers");
        assert!(read > 0, "the witness was closed");
        heard.extend(&part[..read]);
    }
}
