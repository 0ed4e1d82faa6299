//! Forges: where a line of a file is to be seen, and where a branch that was pushed becomes a pull request, as a link that a person
//! opens, or opened over the forge's API.
//! Which forge it is, and the token for it, is given from outside; the token leaves for its API alone. Nothing here pushes.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use url::Url;

use super::error::{Error, ErrorKind, Result};
use super::host::Host;
use crate::diagnostic::clean;
use crate::http::address::{encode, is_safe, origin, parse};
use crate::http::client::{Authorities, Http};
use crate::http::{Answer, Request};
use crate::model::Hidden;
use crate::secrets::{Reach, Secrets};
use crate::source::git::{self, Remote};

/// For the forge's answer.
const ANSWER: Duration = Duration::from_secs(20);
/// A larger answer is none.
const MAX_BYTES: u64 = 1024 * 1024;

/// Whose pages and API it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    GitHub,
    GitLab,
    AzureDevOps,
    /// Forgejo too.
    Gitea,
    /// Bitbucket Cloud.
    Bitbucket,
}

const KINDS: [(&str, Kind); 6] = [
    ("github", Kind::GitHub),
    ("gitlab", Kind::GitLab),
    ("azure", Kind::AzureDevOps),
    ("gitea", Kind::Gitea),
    ("forgejo", Kind::Gitea),
    ("bitbucket", Kind::Bitbucket),
];

/// A repository on a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forge {
    kind: Kind,
    /// Its page: `https://github.com/team/shops`.
    page: Url,
}

/// Why a text names no forge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    #[error("write KIND=ADDRESS, where KIND is github, gitlab, azure, gitea, forgejo or bitbucket")]
    Kind,
    #[error("the address of a repository's page begins with https:// and has neither a user nor a query")]
    Address,
    #[error("the page of a repository there is called {0}")]
    Path(&'static str),
}

impl FromStr for Forge {
    type Err = ForgeError;

    fn from_str(text: &str) -> Result<Self, ForgeError> {
        let (kind, page) = text.split_once('=').ok_or(ForgeError::Kind)?;
        let (_, kind) = KINDS.into_iter().find(|(word, _)| *word == kind).ok_or(ForgeError::Kind)?;
        Forge::of(kind, page)
    }
}

impl fmt::Display for Forge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(word, _)| word);
        write!(f, "{word}={}", self.page)
    }
}

/// What became of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Open,
    Merged,
    /// Nobody merged it.
    Closed,
}

/// A pull request that is to be opened.
#[derive(Debug, Clone, Copy)]
pub struct PullRequest<'a> {
    pub branch: &'a str,
    /// The branch that it is to be merged into.
    pub onto: &'a str,
    pub title: &'a str,
    pub body: &'a str,
}

impl Forge {
    fn of(kind: Kind, page: &str) -> Result<Self, ForgeError> {
        let mut page = parse(page.trim_end_matches('/')).ok_or(ForgeError::Address)?;
        let is_plain = page.username().is_empty()
            && page.password().is_none()
            && page.query().is_none()
            && page.fragment().is_none();
        if !is_plain || !is_safe(&page) {
            return Err(ForgeError::Address);
        }
        let path = page.path().trim_end_matches(".git").trim_end_matches('/').to_owned();
        page.set_path(&path);
        let forge = Forge { kind, page };
        let names = forge.names();
        let is_one = !names.iter().any(|name| name.is_empty())
            && match kind {
                Kind::GitHub | Kind::Gitea | Kind::Bitbucket => names.len() >= 2,
                Kind::GitLab => names.len() >= 2,
                Kind::AzureDevOps => names.iter().rev().nth(1).is_some_and(|name| *name == "_git"),
            };
        match kind {
            _ if is_one => Ok(forge),
            Kind::AzureDevOps => {
                Err(ForgeError::Path("https://dev.azure.com/ORGANIZATION/PROJECT/_git/REPOSITORY"))
            }
            Kind::GitHub | Kind::GitLab | Kind::Gitea | Kind::Bitbucket => {
                Err(ForgeError::Path("https://HOST/OWNER/REPOSITORY"))
            }
        }
    }

    /// The forge that an address of a remote is on, where its host says which it is.
    #[must_use]
    pub fn guess(remote: &Remote) -> Option<Self> {
        let text = remote.to_string();
        let (host, path) = match text.split_once("://") {
            Some(_) => {
                let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "https" | "ssh"))?;
                (url.host_str()?.to_owned(), url.path().trim_start_matches('/').to_owned())
            }
            None if text.starts_with('/') => return None,
            None => {
                let (host, path) = text.split_once(':')?;
                (host.rsplit('@').next()?.to_owned(), path.trim_start_matches('/').to_owned())
            }
        };
        let (kind, page) = match host.as_str() {
            "github.com" | "ssh.github.com" => (Kind::GitHub, format!("https://github.com/{path}")),
            "gitlab.com" | "altssh.gitlab.com" => (Kind::GitLab, format!("https://gitlab.com/{path}")),
            "codeberg.org" => (Kind::Gitea, format!("https://codeberg.org/{path}")),
            "bitbucket.org" | "altssh.bitbucket.org" => {
                (Kind::Bitbucket, format!("https://bitbucket.org/{path}"))
            }
            "dev.azure.com" => (Kind::AzureDevOps, format!("https://dev.azure.com/{path}")),
            "ssh.dev.azure.com" => {
                // v3/ORGANIZATION/PROJECT/REPOSITORY
                let names: Vec<&str> = path.split('/').collect();
                let [_, organization, project, repository] = names.as_slice() else { return None };
                let page = format!("https://dev.azure.com/{organization}/{project}/_git/{repository}");
                (Kind::AzureDevOps, page)
            }
            _ => return None,
        };
        Forge::of(kind, &page).ok()
    }

    fn names(&self) -> Vec<&str> {
        self.page.path_segments().map(Iterator::collect).unwrap_or_default()
    }

    /// The address that opens a pull request in a browser.
    #[must_use]
    pub fn link(&self, request: &PullRequest<'_>) -> String {
        let (page, branch, onto) = (self.page.as_str().trim_end_matches('/'), request.branch, request.onto);
        // Slashes of a branch stay in a path, and nothing else does.
        let in_path = |name: &str| name.split('/').map(encode).collect::<Vec<_>>().join("/");
        match self.kind {
            Kind::GitHub => format!("{page}/compare/{}...{}?expand=1", in_path(onto), in_path(branch)),
            Kind::Gitea => format!("{page}/compare/{}...{}", in_path(onto), in_path(branch)),
            Kind::GitLab => format!(
                "{page}/-/merge_requests/new?merge_request%5Bsource_branch%5D={}&merge_request%5Btarget_branch%5D={}",
                encode(branch),
                encode(onto)
            ),
            Kind::AzureDevOps => {
                format!("{page}/pullrequestcreate?sourceRef={}&targetRef={}", encode(branch), encode(onto))
            }
            Kind::Bitbucket => {
                format!("{page}/pull-requests/new?source={}&dest={}", encode(branch), encode(onto))
            }
        }
    }

    /// The address of a line of a file, as it is in a commit.
    #[must_use]
    pub fn line(&self, commit: &str, path: &str, line: usize) -> String {
        let (page, commit) = (self.page.as_str().trim_end_matches('/'), encode(commit));
        let path = path.split('/').map(encode).collect::<Vec<_>>().join("/");
        match self.kind {
            Kind::GitHub => format!("{page}/blob/{commit}/{path}#L{line}"),
            Kind::GitLab => format!("{page}/-/blob/{commit}/{path}#L{line}"),
            Kind::Gitea => format!("{page}/src/commit/{commit}/{path}#L{line}"),
            Kind::Bitbucket => format!("{page}/src/{commit}/{path}#lines-{line}"),
            Kind::AzureDevOps => format!(
                "{page}?path=/{path}&version=GC{commit}&line={line}&lineEnd={}&lineStartColumn=1&lineEndColumn=1",
                line + 1
            ),
        }
    }

    /// What opens a pull request over the API, but for who asks; and where its answer has the address of its page.
    fn call(&self, api: Option<&Url>, request: &PullRequest<'_>) -> (String, Json, &'static str) {
        let at = origin_of(&self.page);
        let names = self.names();
        let (owner, repository) = match names.as_slice() {
            [.., owner, repository] => (*owner, *repository),
            _ => ("", ""),
        };
        let given = api.map(|api| api.as_str().trim_end_matches('/').to_owned());
        let PullRequest { branch, onto, title, body } = request;
        match self.kind {
            Kind::GitHub => {
                let usual = match self.page.host_str() {
                    Some("github.com") => "https://api.github.com".to_owned(),
                    _ => format!("{at}/api/v3"),
                };
                let root = given.unwrap_or(usual);
                let sent = json!({"title": title, "head": branch, "base": onto, "body": body});
                (format!("{root}/repos/{owner}/{repository}/pulls"), sent, "/html_url")
            }
            Kind::Bitbucket => {
                let root = given.unwrap_or_else(|| "https://api.bitbucket.org/2.0".to_owned());
                let sent = json!({
                    "title": title, "description": body, "source": {"branch": {"name": branch}},
                    "destination": {"branch": {"name": onto}},
                });
                let call = format!("{root}/repositories/{owner}/{repository}/pullrequests");
                (call, sent, "/links/html/href")
            }
            Kind::Gitea => {
                let root = given.unwrap_or_else(|| format!("{at}/api/v1"));
                let sent = json!({"title": title, "head": branch, "base": onto, "body": body});
                (format!("{root}/repos/{owner}/{repository}/pulls"), sent, "/html_url")
            }
            Kind::GitLab => {
                let root = given.unwrap_or_else(|| format!("{at}/api/v4"));
                // A forge below a prefix has its API there too, and no prefix in the paths of its projects.
                let inside = self.page.path().trim_matches('/');
                let prefix = api
                    .map(|api| api.path().trim_matches('/').trim_end_matches("api/v4"))
                    .unwrap_or_default();
                let inside = inside.strip_prefix(prefix).unwrap_or(inside).trim_matches('/');
                let sent = json!({
                    "source_branch": branch, "target_branch": onto, "title": title, "description": body,
                    "remove_source_branch": true,
                });
                (format!("{root}/projects/{}/merge_requests", encode(inside)), sent, "/web_url")
            }
            Kind::AzureDevOps => {
                let project = names.get(..names.len().saturating_sub(2)).unwrap_or_default().join("/");
                let root = given.unwrap_or(at);
                let sent = json!({
                    "sourceRefName": format!("refs/heads/{branch}"), "targetRefName": format!("refs/heads/{onto}"),
                    "title": title, "description": body,
                });
                let call = format!(
                    "{root}/{project}/_apis/git/repositories/{repository}/pullrequests?api-version=7.1"
                );
                (call, sent, "/pullRequestId")
            }
        }
    }

    /// Opens a pull request over the API; the address of its page.
    ///
    /// # Errors
    /// When the token is not at hand, or the forge does not open it. Nothing of the token is told.
    pub fn open(&self, api: &Api, request: &PullRequest<'_>, host: &Host<'_>) -> Result<String> {
        let (call, sent, page) = self.call(api.root.as_ref(), request);
        let answer = self.send(api, "POST", &call, Some(&sent), host)?;
        self.opened(&answer, page)
    }

    /// What became of a pull request that was opened over the API, by the address of its page.
    ///
    /// # Errors
    /// When the token is not at hand, the page is none of this forge, or the forge does not say.
    pub fn fate(&self, api: &Api, page: &str, host: &Host<'_>) -> Result<Fate> {
        let none = || Error::new(ErrorKind::Usage, "the address is not that of a pull request here");
        let page = parse(page).filter(|page| origin(page) == origin(&self.page)).ok_or_else(none)?;
        let number = page.path_segments().and_then(|mut all| all.next_back().map(str::to_owned));
        let number = number.filter(|number| number.parse::<u64>().is_ok()).ok_or_else(none)?;
        let request = PullRequest { branch: "", onto: "", title: "", body: "" };
        let (call, _, _) = self.call(api.root.as_ref(), &request);
        let call = match call.split_once('?') {
            Some((path, query)) => format!("{path}/{number}?{query}"),
            None => format!("{call}/{number}"),
        };
        let answer = self.send(api, "GET", &call, None, host)?;
        if answer.status != 200 {
            let why = format!("the forge answered {}", answer.status);
            return Err(Error::new(ErrorKind::Unreachable, why));
        }
        let said: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        let state = said["state"].as_str().or_else(|| said["status"].as_str()).unwrap_or_default();
        let is_merged = said["merged"] == true || !said["merged_at"].is_null();
        Ok(match state.to_ascii_lowercase().as_str() {
            "merged" | "completed" => Fate::Merged,
            "closed" if is_merged => Fate::Merged,
            "closed" | "declined" | "superseded" | "abandoned" => Fate::Closed,
            "open" | "opened" | "active" | "locked" => Fate::Open,
            _ => return Err(Error::new(ErrorKind::Unreachable, "the forge does not say what became of it")),
        })
    }

    /// Sends a call to the API, with the token, and to nowhere else.
    fn send(
        &self,
        api: &Api,
        method: &'static str,
        call: &str,
        sent: Option<&Json>,
        host: &Host<'_>,
    ) -> Result<Answer> {
        let url = parse(call)
            .filter(is_safe)
            .ok_or_else(|| Error::new(ErrorKind::Usage, "the address of the forge's API cannot be used"))?;
        let reach = Reach::fetch(&api.folder, host.trust);
        let token = Secrets::new(host.secrets, reach, &[]).text(&api.token);
        let token = token.map_err(|fault| Error::new(ErrorKind::NotAllowed, fault.message))?;
        let mut headers = vec![("accept".to_owned(), Hidden::new("application/json".to_owned()))];
        headers.push(match self.kind {
            Kind::GitHub | Kind::Bitbucket => {
                ("authorization".to_owned(), Hidden::new(format!("Bearer {}", token.as_str())))
            }
            Kind::Gitea => ("authorization".to_owned(), Hidden::new(format!("token {}", token.as_str()))),
            Kind::GitLab => ("private-token".to_owned(), token),
            Kind::AzureDevOps => {
                let basic = Hidden::new(format!(":{}", token.as_str()));
                (
                    "authorization".to_owned(),
                    Hidden::new(format!("Basic {}", STANDARD.encode(basic.as_bytes()))),
                )
            }
        });
        let body = sent.map(|sent| ("application/json", Hidden::new(sent.to_string().into_bytes())));
        let asked = Request { method, url, headers, body };
        let http = Http::trusting(ANSWER, MAX_BYTES, Authorities::system());
        http.send(&asked).map_err(|fault| Error::new(ErrorKind::Unreachable, fault.message))
    }

    /// The page of what was opened. An answer may lead to the forge's own pages, and nowhere else.
    fn opened(&self, answer: &Answer, page: &str) -> Result<String> {
        let said: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        if !matches!(answer.status, 200 | 201) {
            let why = said["message"].as_str().unwrap_or_default();
            let why: String = clean(why).chars().take(200).collect();
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            let kind = if matches!(answer.status, 401 | 403) {
                ErrorKind::NotAllowed
            } else {
                ErrorKind::Unreachable
            };
            return Err(Error::new(kind, format!("the forge answered {}{why}", answer.status)));
        }
        let own = self.page.as_str().trim_end_matches('/');
        let link = match self.kind {
            Kind::AzureDevOps => {
                said.pointer(page).and_then(Json::as_u64).map(|number| format!("{own}/pullrequest/{number}"))
            }
            _ => said.pointer(page).and_then(Json::as_str).map(str::to_owned),
        };
        let link = link.as_deref().and_then(parse).filter(|link| origin(link) == origin(&self.page));
        link.map(String::from).ok_or_else(|| {
            Error::new(ErrorKind::Unreachable, "the forge's answer does not say where the pull request is")
        })
    }
}

/// Where the lines of a project are to be seen, as they are in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    forge: Forge,
    commit: String,
    /// The project's folder in its repository, with a slash at the end.
    folder: String,
}

impl Lines {
    /// Of the project at `root`, where its repository was cloned from a forge that its address tells.
    #[must_use]
    pub fn of(root: &Path, commit: &str) -> Option<Self> {
        let forge = Forge::guess(&git::origin(root)?)?;
        Some(Lines::on(forge, root, commit))
    }

    /// Of the project at `root`, on a forge that somebody named.
    #[must_use]
    pub fn on(forge: Forge, root: &Path, commit: &str) -> Self {
        Lines { forge, commit: commit.to_owned(), folder: git::folder(root) }
    }

    /// The address of a line; the path is relative to the project.
    #[must_use]
    pub fn address(&self, path: &str, line: usize) -> String {
        self.forge.line(&self.commit, &format!("{}{path}", self.folder), line)
    }
}

/// Scheme, host and port, as an address begins.
fn origin_of(url: &Url) -> String {
    let mut root = url.clone();
    root.set_path("");
    root.as_str().trim_end_matches('/').to_owned()
}

/// How a forge is asked.
#[derive(Debug, Clone)]
pub struct Api {
    /// Where it is, if elsewhere than usual.
    pub root: Option<Url>,
    /// The reference of the token.
    pub token: String,
    /// Where relative paths of secrets begin.
    pub folder: std::path::PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: PullRequest<'_> =
        PullRequest { branch: "pairform/shop-a&b#c", onto: "main", title: "t", body: "b" };

    fn forge(text: &str) -> Forge {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn each_forge_has_its_own_addresses() {
        let table = [
            (
                "github=https://github.com/team/shops",
                "https://github.com/team/shops/compare/main...pairform/shop-a%26b%23c?expand=1",
                "https://api.github.com/repos/team/shops/pulls",
            ),
            (
                "github=https://git.example.com/team/shops.git",
                "https://git.example.com/team/shops/compare/main...pairform/shop-a%26b%23c?expand=1",
                "https://git.example.com/api/v3/repos/team/shops/pulls",
            ),
            (
                "gitlab=https://git.example.com:8443/group/sub/shops/",
                "https://git.example.com:8443/group/sub/shops/-/merge_requests/new?merge_request%5Bsource_branch%5D=pairform%2Fshop-a%26b%23c&merge_request%5Btarget_branch%5D=main",
                "https://git.example.com:8443/api/v4/projects/group%2Fsub%2Fshops/merge_requests",
            ),
            (
                "forgejo=https://codeberg.org/team/shops",
                "https://codeberg.org/team/shops/compare/main...pairform/shop-a%26b%23c",
                "https://codeberg.org/api/v1/repos/team/shops/pulls",
            ),
            (
                "azure=https://dev.azure.com/org/My%20Project/_git/shops",
                "https://dev.azure.com/org/My%20Project/_git/shops/pullrequestcreate?sourceRef=pairform%2Fshop-a%26b%23c&targetRef=main",
                "https://dev.azure.com/org/My%20Project/_apis/git/repositories/shops/pullrequests?api-version=7.1",
            ),
        ];
        for (text, link, call) in table {
            let forge = forge(text);
            assert_eq!(forge.link(&REQUEST), link);
            assert_eq!(forge.call(None, &REQUEST).0, call);
        }
        let bitbucket = forge("bitbucket=https://bitbucket.org/team/shops");
        let link =
            "https://bitbucket.org/team/shops/pull-requests/new?source=pairform%2Fshop-a%26b%23c&dest=main";
        assert_eq!(bitbucket.link(&REQUEST), link);
        let (call, _, page) = bitbucket.call(None, &REQUEST);
        assert_eq!(call, "https://api.bitbucket.org/2.0/repositories/team/shops/pullrequests");
        assert_eq!(page, "/links/html/href");
        let api = Url::parse("https://example.com/gitlab/api/v4").unwrap();
        let below = forge("gitlab=https://example.com/gitlab/team/shops");
        let call = "https://example.com/gitlab/api/v4/projects/team%2Fshops/merge_requests";
        assert_eq!(below.call(Some(&api), &REQUEST).0, call);
    }

    #[test]
    fn a_line_has_its_address_on_each_forge() {
        for (text, expected) in [
            (
                "github=https://github.com/team/shops",
                "https://github.com/team/shops/blob/c0ffee/a%20b/%C3%A5%23.yaml#L7",
            ),
            (
                "gitlab=https://gitlab.com/g/s/shops",
                "https://gitlab.com/g/s/shops/-/blob/c0ffee/a%20b/%C3%A5%23.yaml#L7",
            ),
            (
                "gitea=https://codeberg.org/team/shops",
                "https://codeberg.org/team/shops/src/commit/c0ffee/a%20b/%C3%A5%23.yaml#L7",
            ),
            (
                "bitbucket=https://bitbucket.org/team/shops",
                "https://bitbucket.org/team/shops/src/c0ffee/a%20b/%C3%A5%23.yaml#lines-7",
            ),
            (
                "azure=https://dev.azure.com/org/project/_git/shops",
                "https://dev.azure.com/org/project/_git/shops?path=/a%20b/%C3%A5%23.yaml&version=GCc0ffee&line=7&lineEnd=8&lineStartColumn=1&lineEndColumn=1",
            ),
        ] {
            assert_eq!(forge(text).line("c0ffee", "a b/å#.yaml", 7), expected);
        }
    }

    #[test]
    fn a_remote_says_its_forge_where_its_host_does() {
        for (remote, page) in [
            ("git@github.com:team/shops.git", "github=https://github.com/team/shops"),
            ("ssh://git@gitlab.com/group/sub/shops.git", "gitlab=https://gitlab.com/group/sub/shops"),
            ("https://codeberg.org/team/shops", "gitea=https://codeberg.org/team/shops"),
            ("git@bitbucket.org:team/shops.git", "bitbucket=https://bitbucket.org/team/shops"),
            (
                "git@ssh.dev.azure.com:v3/org/project/shops",
                "azure=https://dev.azure.com/org/project/_git/shops",
            ),
            (
                "https://dev.azure.com/org/project/_git/shops",
                "azure=https://dev.azure.com/org/project/_git/shops",
            ),
        ] {
            let found = Forge::guess(&remote.parse().unwrap());
            assert_eq!(found.map(|forge| forge.to_string()).as_deref(), Some(page), "{remote}");
        }
        for unknown in [
            "git@git.example.com:team/shops.git",
            "/srv/github.com/team/shops",
            "https://github.com.evil.example/a/b",
        ] {
            assert_eq!(Forge::guess(&unknown.parse().unwrap()), None, "{unknown}");
        }
    }

    #[test]
    fn what_names_no_page_of_a_repository_is_refused() {
        for wrong in [
            "github",
            "svn=https://example.com/a/b",
            "github=javascript:alert(1)",
            "github=http://example.com/a/b",
            "github=https://me:secret@example.com/a/b",
            "github=https://example.com/a/b?x",
            "github=https://example.com/a",
            "github=https://example.com//b",
            "azure=https://dev.azure.com/org/project/shops",
        ] {
            assert!(wrong.parse::<Forge>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_answer_leads_to_the_forge_and_nowhere_else() {
        let forge = forge("github=https://github.com/team/shops");
        let answer = |status: u16, body: &Json| {
            let answer =
                Answer::new(status, std::collections::BTreeMap::new(), body.to_string().into_bytes());
            forge.opened(&answer, "/html_url").map_err(|error| error.message)
        };
        let page = "https://github.com/team/shops/pull/7";
        assert_eq!(answer(201, &json!({"html_url": page})).as_deref(), Ok(page));
        for elsewhere in
            ["https://evil.example/team/shops/pull/7", "javascript:alert(1)", "http://github.com/a", ""]
        {
            assert!(answer(201, &json!({"html_url": elsewhere})).is_err(), "{elsewhere}");
        }
        let said = answer(422, &json!({"message": "A pull request\u{1b}[31m exists"})).unwrap_err();
        assert!(
            said.starts_with("the forge answered 422: A pull request") && !said.contains('\u{1b}'),
            "{said}"
        );
    }
}
