//! Who knows a category is told that it is the same without that anything of it is read again, and never when it is not: whatever another
//! server, an apply or a hand moved since, and whoever may not see it any more.

use serde_json::json;

use crate::remote::change_outside;
use crate::run::Project;
use crate::serve::{Answer, Client, Server, apply_with, stores, token};

const STOCK: &str = "/integrations/nordic-outdoor/categories/stock";

/// Asks again, knowing this ETag. Twice: what is answered the first time is remembered for the second.
#[track_caller]
fn again(client: &Client<'_>, known: &str, status: u16) -> Answer {
    let ask = || client.ask("GET", &format!("/api/v1{STOCK}"), &[("If-None-Match", known)], "");
    let first = ask();
    first.is(status);
    let second = ask();
    second.is(status);
    assert_eq!(second.headers.get("etag"), first.headers.get("etag"));
    second
}

#[test]
fn what_is_known_is_the_same_until_anybody_moves_anything_of_it() {
    let project = Project::copy_example("nordic-group");
    for store in stores(&project) {
        apply_with(&project, &store, &[], &["--allow-live"]);
        let bo = token(&project, &store, &["bo", "--role", "editor", "--right", "override"]);
        let eva = token(&project, &store, &["eva", "--role", "viewer"]);
        let folder = tempfile::tempdir().unwrap();
        let (one, other) =
            (Server::start_in(folder.path(), &store, &[]), Server::start_in(folder.path(), &store, &[]));
        let (here, there, eva) = (one.client(&bo), other.client(&bo), one.client(&eva));
        let first = here.get(STOCK).is(200).headers["etag"].clone();
        assert_eq!(again(&here, &first, 304).headers["etag"], first);
        again(&eva, &first, 304);
        // Through another server.
        let path = format!("{STOCK}?trial=false");
        let why = [("If-Match", first.as_str()), ("Pairform-Override", "the warehouse burns")];
        let saved = there.send("PATCH", &path, &why, &json!({"negative_to_zero": false}));
        let second = saved.is(200).headers["etag"].clone();
        assert_eq!(again(&here, &first, 200).headers["etag"], second);
        again(&here, &second, 304);
        again(&eva, &second, 304);
        // By hand.
        change_outside(&store);
        let third = again(&here, &second, 200).headers["etag"].clone();
        again(&here, &third, 304);
        // By an apply, which sets back what both moved; what a token may not see is told to nobody.
        apply_with(&project, &store, &[], &["--allow-live"]);
        let fourth = again(&here, &third, 200).headers["etag"].clone();
        again(&eva, &fourth, 304);
        here.ask("GET", &format!("/api/v1{STOCK}"), &[("If-None-Match", "no etag")], "").is(200);
        let admin = token(&project, &store, &["root", "--role", "admin"]);
        other.client(&admin).ask("DELETE", "/api/v1/tokens/eva", &[], "").is(204);
        again(&eva, &fourth, 401);
        again(&here, &fourth, 304);
    }
}
