//! What the forges answer to a pipeline, on this machine: comments of pull requests as GitHub, GitLab, Azure DevOps and
//! Bitbucket have them, code scanning, and files of releases. One token may write, and whoever has it is `me`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

pub const TOKEN: &str = "token-of-the-job";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub author: String,
    pub text: String,
}

#[derive(Debug)]
struct State {
    /// Whose the token is.
    me: String,
    /// So many requests in turn are worked on, and then answered as if they were not.
    failing: usize,
    /// So is the next one that writes.
    loses_write: bool,
    comments: Vec<Comment>,
    /// Method and path of each request, with whether it brought the token.
    asked: Vec<(String, bool)>,
    scans: usize,
    files: BTreeMap<String, Vec<u8>>,
    releases: Vec<String>,
}

pub struct Forge {
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl Forge {
    pub fn start() -> Forge {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            me: "github-actions[bot]".to_owned(),
            failing: 0,
            loses_write: false,
            comments: Vec::new(),
            asked: Vec::new(),
            scans: 0,
            files: BTreeMap::new(),
            releases: Vec::new(),
        }));
        let (shared, base) = (Arc::clone(&state), address.clone());
        // It ends with the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(&stream, &shared, &base);
            }
        });
        Forge { address, state }
    }

    pub fn comments(&self) -> Vec<Comment> {
        self.state.lock().unwrap().comments.clone()
    }

    /// Somebody else writes a comment.
    pub fn write(&self, text: &str) {
        let comment = Comment { author: "stranger".to_owned(), text: text.to_owned() };
        self.state.lock().unwrap().comments.push(comment);
    }

    /// The token is that of an app.
    pub fn is_of(&self, me: &str) {
        me.clone_into(&mut self.state.lock().unwrap().me);
    }

    /// The next requests are worked on, and their answers get lost on the way.
    pub fn fail(&self, requests: usize) {
        self.state.lock().unwrap().failing = requests;
    }

    /// So does the answer of the next one that writes.
    pub fn lose_write(&self) {
        self.state.lock().unwrap().loses_write = true;
    }

    pub fn asked(&self) -> Vec<(String, bool)> {
        self.state.lock().unwrap().asked.clone()
    }

    pub fn scans(&self) -> usize {
        self.state.lock().unwrap().scans
    }

    /// Publishes files of a release.
    pub fn release(&self, version: &str, files: &[(&str, &[u8])]) {
        let mut state = self.state.lock().unwrap();
        state.releases.push(version.to_owned());
        for (name, content) in files {
            let path = format!("/pairform/pairform/releases/download/v{version}/{name}");
            state.files.insert(path, content.to_vec());
        }
    }
}

/// Whose API is asked, as far as its headers say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    GitHub,
    GitLab,
    Other,
}

fn answer(stream: &TcpStream, state: &Mutex<State>, base: &str) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let (mut length, mut has_token, mut kind) = (0, false, Kind::Other);
    reader.read_line(&mut line).unwrap();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => has_token |= value == format!("Bearer {TOKEN}"),
            "accept" if value == "application/vnd.github+json" => kind = Kind::GitHub,
            "private-token" => {
                kind = Kind::GitLab;
                has_token |= value == TOKEN;
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut state = state.lock().unwrap();
    state.asked.push((format!("{method} {path}"), has_token));
    let (status, content) = if let Some(content) = state.files.get(path) {
        (200, content.clone())
    } else {
        let body = serde_json::from_slice(&body).unwrap_or(Json::Null);
        let (status, answer) = state.call(method, path, &body, has_token, kind, base);
        (status, answer.to_string().into_bytes())
    };
    let is_write = method != "GET" && path != "/graphql";
    let is_lost = state.failing > 0 || (is_write && std::mem::take(&mut state.loses_write));
    state.failing = state.failing.saturating_sub(1);
    let (status, content) = if is_lost { (502, b"bad gateway".to_vec()) } else { (status, content) };
    let head =
        format!("HTTP/1.1 {status} -\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
    let mut stream = stream;
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&content));
}

impl State {
    fn call(
        &mut self,
        method: &str,
        path: &str,
        body: &Json,
        has_token: bool,
        kind: Kind,
        base: &str,
    ) -> (u16, Json) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if path.ends_with("/releases") {
            let release = |version: &String| {
                let prefix = format!("/pairform/pairform/releases/download/v{version}/");
                let assets = self.files.keys().filter_map(|path| path.strip_prefix(&prefix));
                let assets: Vec<Json> = assets.map(|name| json!({"name": name})).collect();
                json!({"tag_name": format!("v{version}"), "draft": false, "prerelease": false, "assets": assets})
            };
            return (200, self.releases.iter().map(release).collect());
        }
        if !has_token {
            return (401, json!({"message": "who are you?"}));
        }
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, &parts[..]) {
            // What GitHub signs for a job, for whom it asks.
            ("GET", ["signed"]) => (200, json!({"value": format!("signed?{query}")})),
            // The tokens of jobs and apps of GitHub may ask who they are in one way alone, those of a project of GitLab may, and those
            // of a repository of Bitbucket may not.
            ("POST", ["graphql"]) => {
                assert_eq!(body["query"], "{viewer{login}}");
                (200, json!({"data": {"viewer": {"login": self.me}}}))
            }
            ("GET", ["user"]) if kind == Kind::GitLab => (200, json!({"id": self.me})),
            ("GET", ["user"]) => (403, json!({"message": "not accessible"})),
            ("GET", ["_apis", "connectionData"]) => (200, json!({"authenticatedUser": {"id": self.me}})),
            ("POST", [.., "code-scanning", "sarifs"]) => {
                assert!(body["sarif"].as_str().is_some_and(|text| text.len() > 100), "{body}");
                self.scans += 1;
                (202, json!({}))
            }
            // GitHub.
            (_, ["repos", _, _, "issues", rest @ ..]) => match (method, rest) {
                ("GET", [_, "comments"]) => (
                    200,
                    self.page(
                        query,
                        |id, one| json!({"id": id, "user": {"login": one.author}, "body": one.text}),
                    ),
                ),
                ("POST", [_, "comments"]) => self.add(&body["body"]),
                ("PATCH", ["comments", id]) => self.update(id, &body["body"]),
                _ => (404, json!({})),
            },
            // GitLab.
            (_, ["projects", _, "merge_requests", _, "notes", rest @ ..]) => match (method, rest) {
                ("GET", []) => (
                    200,
                    self.page(
                        query,
                        |id, one| json!({"id": id, "author": {"id": one.author}, "body": one.text}),
                    ),
                ),
                ("POST", []) => self.add(&body["body"]),
                ("PUT", [id]) => self.update(id, &body["body"]),
                _ => (404, json!({})),
            },
            // Azure: a thread has comments.
            (_, [_, "_apis", "git", "repositories", _, "pullRequests", _, "threads", rest @ ..]) => {
                match (method, rest) {
                    ("GET", []) => {
                        let thread = |(id, one): (usize, &Comment)| json!({"id": id, "comments": [{"id": 1, "author": {"id": one.author}, "content": one.text}]});
                        (
                            200,
                            json!({"value": self.comments.iter().enumerate().map(thread).collect::<Json>()}),
                        )
                    }
                    ("POST", []) => self.add(&body["comments"][0]["content"]),
                    ("PATCH", [id, "comments", "1"]) => self.update(id, &body["content"]),
                    _ => (404, json!({})),
                }
            }
            // Bitbucket: a page names the next.
            (_, ["repositories", _, _, "pullrequests", _, "comments", rest @ ..]) => match (method, rest) {
                ("GET", []) => {
                    let page: usize =
                        query.rsplit_once("page=").and_then(|(_, page)| page.parse().ok()).unwrap_or(0);
                    let one = self.comments.get(page).map(|one| {
                        let kind = if one.author == self.me { "app_user" } else { "user" };
                        json!({"id": page, "user": {"uuid": one.author, "type": kind}, "content": {"raw": one.text}})
                    });
                    let mut answer = json!({"values": one.into_iter().collect::<Vec<_>>()});
                    if page + 1 < self.comments.len() {
                        answer["next"] = format!("{base}{path}?page={}", page + 1).into();
                    }
                    (200, answer)
                }
                ("POST", []) => self.add(&body["content"]["raw"]),
                ("PUT", [id]) => self.update(id, &body["content"]["raw"]),
                _ => (404, json!({})),
            },
            _ => (404, json!({})),
        }
    }

    /// A hundred a page, as was asked for.
    fn page(&self, query: &str, shown: impl Fn(usize, &Comment) -> Json) -> Json {
        let number: usize = query.strip_prefix("per_page=100&page=").unwrap().parse().unwrap();
        let all = self.comments.iter().enumerate().map(|(id, one)| shown(id, one));
        all.skip((number - 1) * 100).take(100).collect()
    }

    fn add(&mut self, text: &Json) -> (u16, Json) {
        let text = text.as_str().unwrap().to_owned();
        self.comments.push(Comment { author: self.me.clone(), text });
        (201, json!({"id": self.comments.len() - 1}))
    }

    fn update(&mut self, id: &str, text: &Json) -> (u16, Json) {
        let comment = &mut self.comments[id.parse::<usize>().unwrap()];
        assert_eq!(comment.author, self.me, "a comment of somebody else was changed");
        text.as_str().unwrap().clone_into(&mut comment.text);
        (200, json!({}))
    }
}
