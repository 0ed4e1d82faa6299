//! The password file of PostgreSQL's own clients: `PGPASSFILE`, else `~/.pgpass`. A password in it is for a host, so that
//! nothing else can send it elsewhere; one that is for any host (`*`) is for those that were named outside the project. Read
//! only.
#![expect(clippy::disallowed_methods, reason = "reads the user's own password file")]

use std::fs;
use std::path::PathBuf;

use crate::model::Hidden;
use crate::source::load;
use crate::store::url::{PostgresUrl, Server};

/// The usual name of a database and of the host of a socket.
const LOCALHOST: &str = "localhost";

/// The password for where a URL leads; none where the file has none, or others may read it. `is_named`: outside the project.
pub(super) fn password(url: &PostgresUrl, is_named: bool) -> Option<Hidden<String>> {
    let named = std::env::var_os("PGPASSFILE").map(PathBuf::from);
    let file = named.or_else(|| Some(std::env::home_dir()?.join(".pgpass")))?;
    is_private(&file).then(|| load::text_of(&file).ok()).flatten().and_then(|text| {
        let text = Hidden::new(text);
        find(&text, url, is_named)
    })
}

/// The first line that fits; a password that would go to more than one server fits none.
fn find(text: &str, url: &PostgresUrl, is_named: bool) -> Option<Hidden<String>> {
    let [server] = url.servers.as_slice() else { return None };
    let host = match server {
        Server::Tcp { host, .. } => host.clone(),
        Server::Unix { .. } => LOCALHOST.to_owned(),
    };
    let port = server.port().to_string();
    let user = url.user.as_deref().unwrap_or_default();
    let database = url.database.as_deref().unwrap_or(user);
    let wanted = [host.as_str(), &port, database, user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [of @ .., password] = fields.as_slice() else { return None };
        let fits = |(at, (of, wanted)): (usize, (&Hidden<String>, &str))| {
            **of == wanted || (**of == "*" && (at > 0 || is_named))
        };
        let fits = of.len() == wanted.len() && of.iter().zip(wanted).enumerate().all(fits);
        (fits && !password.is_empty()).then(|| password.clone())
    })
}

/// Parted at colons; a backslash takes the meaning from what follows.
fn fields(line: &str) -> Vec<Hidden<String>> {
    // A text that grows leaves a copy behind.
    let field = || Hidden::new(String::with_capacity(line.len()));
    let mut fields = vec![field()];
    let mut rest = line.chars();
    while let Some(one) = rest.next() {
        let taken = match one {
            '\\' => rest.next(),
            // The password is the rest.
            ':' if fields.len() < 5 => {
                fields.push(field());
                continue;
            }
            other => Some(other),
        };
        if let (Some(last), Some(taken)) = (fields.last_mut(), taken) {
            last.push(taken);
        }
    }
    fields
}

/// As PostgreSQL's own clients ask for it.
#[cfg(unix)]
fn is_private(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(file: &std::path::Path) -> bool {
    file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_for_the_server_that_its_line_names() {
        let file = "# comment\ndb.internal:5432:configure:ci:se\\:cr\\\\et\n*:*:other:*:any\nlocalhost:5433:*:*:here:too\n";
        for (url, expected) in [
            ("postgres://ci@db.internal/configure", Some("se:cr\\et")),
            ("postgres://ci@db.internal:5433/configure", None),
            ("postgres://ci@evil.example/configure", None),
            // Where it goes counts, not what it is called.
            ("postgres://ci@db.internal/configure?hostaddr=10.0.0.1", None),
            ("postgres://ci@evil.example,db.internal/configure", None),
            ("postgres://x@anywhere/other", Some("any")),
            ("postgres://x@localhost:5433/y", Some("here:too")),
        ] {
            let url = PostgresUrl::read(url).unwrap();
            let found = find(file, &url, true);
            assert_eq!(found.as_deref().map(String::as_str), expected, "{url:?}");
            // Whoever writes the files is given nothing by a line that is for any host.
            let found = find(file, &url, false);
            assert_eq!(
                found.as_deref().map(String::as_str),
                expected.filter(|word| *word != "any"),
                "{url:?}"
            );
        }
    }
}
