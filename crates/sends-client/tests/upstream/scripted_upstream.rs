//! HTTP server that replies to each connection with the next entry of a script, byte for byte.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Behaviour of one connection.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Closes the connection without a response.
    Close,
    /// Sends nothing and keeps the connection open.
    Stall,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::response(
            status,
            "content-type: application/json\r\n",
            body.len(),
            body.as_bytes(),
        )
    }

    /// Creates a complete response with these headers.
    pub(crate) fn typed(status: u16, headers: &str, body: &str) -> Self {
        Self::response(status, headers, body.len(), body.as_bytes())
    }

    /// Creates a response that ends before its `Content-Length`.
    pub(crate) fn cut_off(status: u16, body: &str) -> Self {
        Self::response(status, "", body.len() + 10, body.as_bytes())
    }

    /// Creates a response that declares gzip but has another body.
    pub(crate) fn broken_gzip() -> Self {
        Self::response(200, "content-encoding: gzip\r\n", 2, b"[]")
    }

    /// Creates a complete response with this gzip body.
    pub(crate) fn gzip(body: &[u8]) -> Self {
        Self::response(200, "content-encoding: gzip\r\n", body.len(), body)
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self::response(302, &format!("location: {location}\r\n"), 0, b"")
    }

    /// Adds a header to the reply.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        let Self::Bytes(bytes) = self else { return self };
        let text = String::from_utf8(bytes).unwrap();
        let (status_line, rest) = text.split_once("\r\n").unwrap();
        Self::Bytes(format!("{status_line}\r\n{name}: {value}\r\n{rest}").into_bytes())
    }

    /// Returns the name of the reply for failure messages.
    pub(crate) fn first_line(&self) -> String {
        match self {
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes)
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
            other => format!("{other:?}"),
        }
    }

    fn response(status: u16, headers: &str, length: usize, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status} Scripted\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n"
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }
}

/// Running server, stopped on drop.
pub(crate) struct ScriptedUpstream {
    authority: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl ScriptedUpstream {
    /// Starts a server for as many connections as there are replies.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let replies: Vec<Reply> = replies.into_iter().collect();
        let log = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            let mut stalled = Vec::new();
            for reply in replies {
                let (mut connection, _) = listener.accept().await.unwrap();
                let request = read_head(&mut connection).await;
                log.lock().unwrap().push(request);
                match reply {
                    Reply::Bytes(bytes) => {
                        // The write fails if the client has closed the connection because of the size.
                        let _ = connection.write_all(&bytes).await;
                    }
                    Reply::Close => {}
                    Reply::Stall => stalled.push(connection),
                }
            }
            if !stalled.is_empty() {
                std::future::pending::<()>().await;
            }
        });
        Self {
            authority,
            requests,
            task,
        }
    }

    pub(crate) fn authority(&self) -> String {
        self.authority.clone()
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v3", self.authority)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().replace("\r\n", "\n")
}
