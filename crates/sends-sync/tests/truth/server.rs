//! HTTP server for a simulated account.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::account::Account;

/// Serves the account until the runtime ends. Returns the base URL.
pub(crate) async fn serve(account: Arc<Mutex<Account>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v3", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(connection, Arc::clone(&account)));
        }
    });
    url
}

async fn answer(mut connection: TcpStream, account: Arc<Mutex<Account>>) {
    let mut received = Vec::new();
    loop {
        let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            match connection.read_buf(&mut received).await {
                Ok(0) | Err(_) => return,
                Ok(_) => continue,
            }
        };
        let head = String::from_utf8(received.drain(..end + 4).collect()).unwrap();
        let target = head.split(' ').nth(1).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (status, body) = account.lock().unwrap().answer(path, query);
        let answer = format!(
            "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
