//! Runs the real programs.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program's path, if it is installed.
///
/// # Panics
/// When it is not and `CI` is `true`.
#[allow(clippy::print_stderr, reason = "a test that cannot run must say so")]
pub fn find(program: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PATH")
        .and_then(|path| std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file()));
    if found.is_none() {
        eprintln!("\n*** {program} is not on the PATH: NOTHING WAS TESTED against the real thing ***\n");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{program} must be installed where CI=true");
    }
    found
}

/// It scrapes itself.
const CONFIG: &str = "global: {scrape_interval: INTERVAL}
scrape_configs:
- job_name: self
  static_configs: [{targets: ['127.0.0.1:PORT']}]
";

/// A running Prometheus; stopped and waited for when dropped.
pub struct Prometheus {
    child: Child,
    port: u16,
}

impl Prometheus {
    /// Starts it on a database directory, to scrape itself every second, and waits until it is ready.
    pub fn start(program: &Path, data: &Path, options: &[&str]) -> Self {
        Self::start_scraping(program, data, options, "1s")
    }

    /// As [`Self::start`], to scrape itself at an interval.
    pub fn start_scraping(program: &Path, data: &Path, options: &[&str], interval: &str) -> Self {
        Self::start_with(program, data, &CONFIG.replace("INTERVAL", interval), options)
    }

    /// As [`Self::start`], with a configuration, in which `PORT` stands for its own.
    pub fn start_with(program: &Path, data: &Path, config: &str, options: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = data.join("prometheus.yml");
        fs::write(&file, config.replace("PORT", &port.to_string())).unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(options)
            .stdout(Stdio::null())
            .stderr(fs::File::create(data.join("prometheus.log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { child, port };
        server.wait_for("/-/ready", "Ready");
        server
    }

    /// The body of a page.
    pub fn get(&self, path: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return String::new() };
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let mut answer = String::new();
        if stream.write_all(request.as_bytes()).is_err() || stream.read_to_string(&mut answer).is_err() {
            return String::new();
        }
        answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
    }

    /// The status line of the answer to a remote write.
    pub fn push(&self, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!(
            "POST /api/v1/write HTTP/1.0\r\nHost: localhost\r\nContent-Encoding: snappy\r\n\
             Content-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }

    /// Asks until the body contains the text.
    pub fn wait_for(&self, path: &str, text: &str) {
        let since = Instant::now();
        loop {
            let body = self.get(path);
            if body.contains(text) {
                return;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "{path} never contained {text}: {body}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Asks it to end, and waits.
    pub fn stop(mut self) {
        self.terminate();
    }

    /// Kills it at once, and waits.
    pub fn kill(mut self) {
        self.signal(libc::SIGKILL);
    }

    fn terminate(&mut self) {
        self.signal(libc::SIGTERM);
    }

    fn signal(&mut self, signal: i32) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a signal to a child of ours that was not waited for yet, so its number is still its own.
        unsafe { libc::kill(pid, signal) };
        self.child.wait().unwrap();
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.terminate();
        }
    }
}
