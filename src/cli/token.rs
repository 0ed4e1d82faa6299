//! `token`: who may ask a server of the store, and for what. A token is printed once, alone, and kept as a hash.

use serde_json::json;

use super::args::{Form, TokenCommand};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::clean;
use crate::ops::section::{TokenAsked, make_token};
use crate::ops::{Host, Result};
use crate::plan::FORMAT_VERSION;
use crate::report::json as machine;
use crate::store::{Note, Store, Token};

/// Runs the command.
///
/// # Errors
/// When the store cannot be read or written, or the name is taken.
pub fn run(session: &Session, command: &TokenCommand, streams: &mut Streams) -> Result<u8, Stop> {
    let (_, address, root) = session.place()?;
    let output = session.common.output;
    let root = root.unwrap_or_else(|| session.here.clone());
    let mut store = session.host(|host| host.make_store(&address)).map_err(crate::ops::Error::from)?;
    let store = store.as_mut();
    match command {
        TokenCommand::Create(args) => {
            let asked = TokenAsked {
                name: args.name.clone(),
                role: args.role,
                rights: args.right.clone(),
                categories: args.for_category.clone(),
                integrations: args.for_integration.clone(),
                expires_at: args.until,
            };
            let (by, at) = session.host(|host| ((host.actor)(&root), host.stamp()));
            let (secret, token) = make_token(&asked, &at, &by).map_err(|why| Stop::usage(why.to_string()))?;
            if !store.add_token(&token).map_err(crate::ops::Error::from)? {
                let why = format!("there is or was a token `{}`", token.name);
                return Err(Stop::usage(why).help("give it another name; names stand in the history"));
            }
            session.host(|host| {
                note(store, host, &by, format!("made the token {} ({})", token.name, token.role))
            })?;
            match output {
                Form::Json => print(streams, "token", json!({"name": token.name, "token": secret})),
                _ => streams.result(&format!("{secret}\n")),
            }
        }
        TokenCommand::List => {
            let tokens = store.tokens().map_err(crate::ops::Error::from)?;
            match output {
                Form::Json => print(streams, "tokens", tokens.iter().map(told).collect()),
                _ if tokens.is_empty() => streams.say("No tokens yet.\n"),
                _ => streams.result(&tokens.iter().map(line).collect::<String>()),
            }
        }
        TokenCommand::Revoke { name } => {
            let (by, at) = session.host(|host| ((host.actor)(&root), host.stamp()));
            if !store.revoke_token(name, &at, &by).map_err(crate::ops::Error::from)? {
                return Err(Stop::usage(format!("there is no token `{}` in force", clean(name))));
            }
            session.host(|host| note(store, host, &by, format!("revoked the token {name}")))?;
            streams.say(&format!("Revoked the token {}.\n", clean(name)));
        }
    }
    Ok(exit::OK)
}

fn note(store: &mut dyn Store, host: &Host<'_>, by: &str, text: String) -> Result<()> {
    let note = Note { at: host.stamp(), by: by.to_owned(), kind: "token".to_owned(), text, run: None };
    Ok(store.note(&note)?)
}

fn print(streams: &mut Streams, key: &str, value: serde_json::Value) {
    let mut body = json!({"format_version": FORMAT_VERSION, "command": "token", "exit_code": exit::OK});
    body[key] = value;
    streams.result(&machine::print(&body));
}

/// All but the hash.
fn told(token: &Token) -> serde_json::Value {
    json!({
        "name": token.name, "role": token.role, "rights": token.rights, "categories": token.categories,
        "integrations": token.integrations, "expires_at": token.expires_at, "made_at": token.made_at,
        "made_by": token.made_by, "revoked_at": token.revoked_at, "revoked_by": token.revoked_by,
    })
}

/// `karin  editor +override  invoice, payment_*  nordic-*  until 2027-01-01T00:00:00Z`
fn line(token: &Token) -> String {
    let some = |names: &[String], of: &str| match names {
        [] => format!("all {of}"),
        names => names.join(", "),
    };
    let rights: String = token.rights.iter().map(|right| format!(" +{right}")).collect();
    let end = match (&token.revoked_at, &token.expires_at) {
        (Some(at), _) => format!("revoked {at} by {}", token.revoked_by.as_deref().unwrap_or_default()),
        (None, Some(end)) => format!("until {end}"),
        (None, None) => "no end".to_owned(),
    };
    let parts = [
        token.name.clone(),
        format!("{}{rights}", token.role),
        some(&token.categories, "categories"),
        some(&token.integrations, "integrations"),
        end,
    ];
    format!("{}\n", clean(&parts.join("  ")))
}
