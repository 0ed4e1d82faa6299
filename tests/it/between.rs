//! What may stand between a client and a server of the Configure section: it delays what it passes on, loses an answer, ends the server
//! at a certain word, holds its breath, or answers itself. It knows no HTTP but the words that it looks for.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// What it does to answers.
#[derive(Clone)]
pub enum Does {
    Passes,
    /// Each way, what is sent comes so much later.
    Delays(Duration),
    /// The first answers that hold this word are not passed on, and the connection ends, so many times.
    Loses(&'static str, usize),
    /// Once an answer holds this word, this is done, once, and what is on its way is lost.
    Runs(&'static str, Arc<dyn Fn() + Send + Sync>),
    /// After a request that holds this word nothing is passed on.
    Holds(&'static str),
    /// Nobody else is asked: this is what each request gets, the last again and again.
    Answers(Vec<String>),
}

pub struct Between {
    pub address: String,
    to: Arc<Mutex<String>>,
    /// What was asked, as far as it is no body.
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Between {
    pub fn at(to: &str, does: Does) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (to, asked) = (Arc::new(Mutex::new(to.to_owned())), Arc::new(Mutex::new(Vec::new())));
        let between = Between { address, to: Arc::clone(&to), asked: Arc::clone(&asked) };
        let count = Arc::new(AtomicUsize::new(0));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let (does, asked, count) = (does.clone(), Arc::clone(&asked), Arc::clone(&count));
                let to = to.lock().unwrap().clone();
                std::thread::spawn(move || serve(client, &to, &does, &asked, &count));
            }
        });
        between
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it passes on to another server.
    pub fn lead_to(&self, to: &str) {
        to.clone_into(&mut self.to.lock().unwrap());
    }

    /// How many requests hold a word.
    pub fn asked_for(&self, word: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|head| head.contains(word)).count()
    }
}

fn serve(
    client: TcpStream,
    to: &str,
    does: &Does,
    asked: &Arc<Mutex<Vec<String>>>,
    count: &Arc<AtomicUsize>,
) {
    let _ = client.set_nodelay(true);
    if let Does::Answers(answers) = does {
        return answer(client, answers, asked, count);
    }
    let Ok(server) = TcpStream::connect(to) else { return };
    let _ = server.set_nodelay(true);
    let delay = match does {
        Does::Delays(delay) => *delay,
        _ => Duration::ZERO,
    };
    let both = || (client.try_clone().unwrap(), server.try_clone().unwrap());
    let ((from_client, to_server), (to_client, from_server)) = (both(), both());
    let held = Arc::new(AtomicUsize::new(0));
    let (to_hold, of_asked, of_does) = (Arc::clone(&held), Arc::clone(asked), does.clone());
    std::thread::spawn(move || {
        pass(from_client, to_server, delay, &mut |bytes| {
            let text = String::from_utf8_lossy(bytes);
            for head in text.split("\r\n").filter(|line| line.ends_with(" HTTP/1.1")) {
                of_asked.lock().unwrap().push(head.to_owned());
            }
            if matches!(&of_does, Does::Holds(word) if text.contains(word)) {
                to_hold.store(1, Ordering::SeqCst);
            }
            true
        });
    });
    let mut tail = String::new();
    pass(from_server, to_client, delay, &mut |bytes| {
        tail.push_str(&String::from_utf8_lossy(bytes));
        let goes_on = match does {
            _ if held.load(Ordering::SeqCst) > 0 => {
                // Held open, and silent.
                std::thread::park();
                false
            }
            Does::Loses(word, times) => {
                !(tail.contains(word) && count.fetch_add(1, Ordering::SeqCst) < *times)
            }
            Does::Runs(word, what) if tail.contains(word) && count.fetch_add(1, Ordering::SeqCst) == 0 => {
                what();
                false
            }
            _ => true,
        };
        let cut = tail.char_indices().rev().nth(200).map_or(0, |(at, _)| at);
        tail.drain(..cut);
        goes_on
    });
}

/// Passes on what comes, so much later each, as long as it is wanted.
fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration, look: &mut dyn FnMut(&[u8]) -> bool) {
    let (send, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    let (stop_from, stop_to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let passing = std::thread::spawn(move || {
        for (at, bytes) in due {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = vec![0; 64 * 1024];
    let mut ends = false;
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !look(&buffer[..read]) {
            ends = true;
            break;
        }
        if send.send((Instant::now() + delay, buffer[..read].to_vec())).is_err() {
            break;
        }
    }
    drop(send);
    let _ = passing.join();
    if ends {
        let _ = stop_to.shutdown(Shutdown::Both);
        let _ = stop_from.shutdown(Shutdown::Both);
    }
}

fn answer(mut client: TcpStream, answers: &[String], asked: &Mutex<Vec<String>>, count: &AtomicUsize) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    if head.is_empty() {
        return;
    }
    asked.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
    let at = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
    let _ = client.write_all(answers[at].as_bytes());
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.set_read_timeout(Some(Duration::from_secs(5)));
    // What is still sent is taken, so that the answer is not lost with the connection.
    let _ = std::io::copy(&mut client, &mut std::io::sink());
}
