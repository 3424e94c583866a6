//! As much of the DevTools protocol as a walk needs: a WebSocket, commands, and waiting.

use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::Engine as _;
use serde_json::{Value, json};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Browser {
    child: Child,
    socket: RefCell<Socket>,
    _profile: tempfile::TempDir,
}

/// A page of the browser.
pub struct Tab<'a> {
    browser: &'a Browser,
    session: String,
}

impl Browser {
    /// A fresh browser; `None` where there is none.
    pub fn start() -> Option<Self> {
        let named = std::env::var_os("CHROMIUM");
        let names = ["chromium", "chromium-browser", "google-chrome"].map(std::ffi::OsString::from);
        let profile = tempfile::tempdir().unwrap();
        let mut child = named.into_iter().chain(names).find_map(|name| {
            Command::new(name)
                .args([
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--no-first-run",
                    "--remote-debugging-port=0",
                ])
                .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .arg("about:blank")
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .ok()
        })?;
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the browser said nothing");
            if let Some(address) = line.trim().strip_prefix("DevTools listening on ws://") {
                break address.to_owned();
            }
        };
        // What else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let socket = RefCell::new(Socket::open(&address));
        Some(Self { child, socket, _profile: profile })
    }

    pub fn tab(&self) -> Tab<'_> {
        let target = self.call(None, "Target.createTarget", json!({ "url": "about:blank" }));
        let attached =
            self.call(None, "Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        Tab { browser: self, session: attached["sessionId"].as_str().unwrap().to_owned() }
    }

    fn call(&self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.socket.borrow_mut().call(session, method, &parameters)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tab<'_> {
    fn call(&self, method: &str, parameters: Value) -> Value {
        self.browser.call(Some(&self.session), method, parameters)
    }

    /// Whether pages run their own scripts.
    pub fn scripts(&mut self, run: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !run }));
    }

    pub fn size(&mut self, width: u32, dark: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!([{ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": scheme }));
    }

    /// Loads a page.
    pub fn go(&mut self, address: &str) {
        let answer = self.call("Page.navigate", json!({ "url": address }));
        assert!(answer.get("errorText").is_none(), "{address}: {answer}");
        self.until("document.readyState === 'complete'");
    }

    /// What an expression gives in the page.
    pub fn js(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer.get("exceptionDetails").is_none(), "{expression:.200}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression holds. A page on its way to another answers nothing for a while.
    pub fn until(&mut self, expression: &str) {
        let begun = Instant::now();
        loop {
            let asked = json!({ "expression": format!("Boolean({expression})"), "returnByValue": true });
            if self.call("Runtime.evaluate", asked)["result"]["value"] == true {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "never: {expression}, at {}", self.js("location.href"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types where the focus is.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    pub fn enter(&mut self) {
        for kind in ["keyDown", "keyUp"] {
            let key =
                json!({ "type": kind, "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13 });
            self.call("Input.dispatchKeyEvent", key);
        }
    }

    /// The body of an address of the page's own site.
    pub fn text_of(&mut self, address: &str) -> String {
        let text = self.js(&format!("fetch({}).then(answer => answer.text())", Value::from(address)));
        text.as_str().unwrap().to_owned()
    }

    /// Keeps a picture of the whole page.
    pub fn picture(&mut self, name: &str) {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("screens");
        std::fs::create_dir_all(&folder).unwrap();
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": false }));
        let bytes = base64::engine::general_purpose::STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }
}

/// A WebSocket to the browser (RFC 6455), text only.
struct Socket {
    stream: BufReader<TcpStream>,
    last: u64,
}

impl Socket {
    /// `host:port/path`.
    fn open(address: &str) -> Self {
        let (host, path) = address.split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE * 2)).unwrap();
        write!(
            stream,
            "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: cnVsZWF0bGFzIHdhbGtzIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line.trim() != "" || line.is_empty() {
            line.clear();
            stream.read_line(&mut line).unwrap();
        }
        Self { stream, last: 0 }
    }

    fn call(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.send(message.to_string().as_bytes());
        loop {
            let answer: Value = serde_json::from_slice(&self.receive()).unwrap();
            // Events come between answers.
            if answer["id"] == self.last {
                return answer.get("result").cloned().unwrap_or_else(|| panic!("{method}: {answer}"));
            }
        }
    }

    fn send(&mut self, text: &[u8]) {
        // A client's frames are masked; a mask of zeros leaves them as they are.
        let mut frame = vec![0x81];
        match text.len() {
            short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
            long @ 126..65536 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(long).unwrap().to_be_bytes());
            }
            longer => {
                frame.push(0x80 | 127);
                frame.extend((longer as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text);
        self.stream.get_mut().write_all(&frame).unwrap();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        loop {
            let [head, size] = self.bytes();
            let size = match size & 0x7f {
                126 => u64::from(u16::from_be_bytes(self.bytes())),
                127 => u64::from_be_bytes(self.bytes()),
                size => u64::from(size),
            };
            let mut part = vec![0; usize::try_from(size).unwrap()];
            self.stream.read_exact(&mut part).unwrap();
            // Pings need no answer for as short as a walk is.
            if head & 0x0f <= 2 {
                message.extend(part);
                if head & 0x80 != 0 {
                    return message;
                }
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }
}
