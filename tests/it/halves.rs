//! A store of which one half reads and another one writes: what a server's store is read as, over a database that somebody else
//! writes. It lets the conformance suite prove the reading half alone.

use std::collections::BTreeMap;

use pairform::model::Hidden;
use pairform::ops::section::{Role, TokenAsked, make_token};
use pairform::store::{
    self, Address, Ask, Asked, Behind, Clearing, Deleted, Deployed, FeedItem, GiveRows, KeptList, LastCommit,
    Lock, Matter, Moved, Note, Origin, Proposed, Reconciled, Reconciling, Record, Recording, Registered,
    Rename, Rules, Run, Said, Save, Saved, Session, Shared, Store, StoreError, SyncReport, TakeHeads,
    TakeRow, Token,
};

use crate::serve::Server;

/// A server over a store that others write as it is.
pub struct Served {
    server: Server,
    token: String,
}

impl Served {
    pub fn over(url: &str, folder: &std::path::Path) -> Served {
        // Without the note that a command would leave.
        let asked = TokenAsked {
            name: "reader".to_owned(),
            role: Role::Applier,
            rights: Vec::new(),
            categories: Vec::new(),
            integrations: Vec::new(),
            expires_at: None,
        };
        let (token, kept) = make_token(&asked, "2026-12-01T09:30:00Z", "ann").unwrap();
        store::open(&url.to_owned()).unwrap().add_token(&kept).unwrap();
        Served { server: Server::start_in(folder, url, &[]), token }
    }

    /// The store, read through the server.
    pub fn read(&self) -> Box<dyn Store> {
        let password = Some(Hidden::new(self.token.clone()));
        let address = Address { password, ..format!("http://{}", self.server.address).as_str().into() };
        store::open_existing(&address).unwrap().unwrap()
    }
}

pub struct Halves {
    pub read: Box<dyn Store>,
    pub write: Box<dyn Store>,
}

/// Each function goes to one of the halves.
macro_rules! to {
    ($([$half:ident] $(fn $name:ident($($arg:ident: $kind:ty),*) -> $gives:ty;)*)*) => {
        $($(fn $name(&mut self, $($arg: $kind),*) -> $gives { self.$half.$name($($arg),*) })*)*
    };
}

type Got<T> = Result<T, StoreError>;

impl Store for Halves {
    fn identity(&self) -> &str {
        self.read.identity()
    }

    fn fingerprint_key(&self) -> &[u8] {
        self.read.fingerprint_key()
    }

    to! {
        [read]
        fn read(names: Option<&[String]>) -> Got<Vec<Deployed>>;
        fn each_heads(names: Option<&[String]>, take: &mut TakeHeads<'_>) -> Got<()>;
        fn deleted(names: Option<&[String]>) -> Got<Vec<Deleted>>;
        fn histories(of: &[(String, String)]) -> Got<Vec<Record>>;
        fn records() -> Got<Vec<Record>>;
        fn saves_of(runs: &str) -> Got<Vec<Record>>;
        fn locks() -> Got<Vec<Lock>>;
        fn notes_of(kinds: &[&str], since: &str) -> Got<Vec<Note>>;
        fn rules() -> Got<Vec<Rules>>;
        fn last_rules(commit: Option<&str>) -> Got<Vec<Rules>>;
        fn said(names: Option<&[String]>) -> Got<Vec<Said>>;
        fn sources() -> Got<Vec<(String, String)>>;
        fn document(digest: &str) -> Got<Option<String>>;
        fn epoch() -> Got<u64>;
        fn last_number() -> Got<u64>;
        fn integrations(after: &str, limit: usize) -> Got<Vec<Registered>>;
        fn integration(id: &str) -> Got<Option<Registered>>;
        fn feed(after: u64, limit: usize) -> Got<Vec<FeedItem>>;
        fn last_syncs(integration: &str) -> Got<Vec<SyncReport>>;
        fn reconciled(environment: &str) -> Got<Option<Reconciled>>;
        fn behind(environment: &str) -> Got<Vec<Behind>>;
        fn matters(environment: &str) -> Got<Vec<Matter>>;
        fn last_commits(names: &[String]) -> Got<Vec<LastCommit>>;
        [write]
        fn save_all(saves: &[Save<'_>]) -> Got<Vec<Got<Saved>>>;
        fn save_alone(save: &Save<'_>, rests_on: &BTreeMap<String, u64>, note: Option<&Note>) -> Got<Saved>;
        fn rename(rename: &Rename<'_>) -> Got<Moved>;
        fn begin(run: &str, at: &str, by: &str, origin: Origin<'_>) -> Got<Run>;
        fn finish(run: &str, at: &str) -> Got<()>;
        fn lock_all(asks: &[Ask<'_>]) -> Got<Vec<Asked>>;
        fn renew_all(locks: &[&Lock], seconds: u32) -> Got<()>;
        fn unlock_all(locks: &[&Lock]) -> Got<Vec<Lock>>;
        fn note(note: &Note) -> Got<()>;
        fn record(recording: &Recording) -> Got<()>;
        fn dump(take: &mut TakeRow<'_>) -> Got<()>;
        fn fill(epoch: u64, give: &mut GiveRows<'_>) -> Got<()>;
        fn register(new: &Registered) -> Got<bool>;
        fn forget(id: &str) -> Got<()>;
        fn tokens() -> Got<Vec<Token>>;
        fn token(hash: &str) -> Got<Option<Token>>;
        fn add_token(token: &Token) -> Got<bool>;
        fn revoke_token(name: &str, at: &str, by: &str) -> Got<bool>;
        fn session(hash: &str, now: &str) -> Got<Option<Session>>;
        fn add_session(session: &Session) -> Got<()>;
        fn end_session(hash: &str) -> Got<()>;
        fn report_sync(sync: &SyncReport) -> Got<()>;
        fn note_reconciled(lease: &Lock, what: &Reconciling) -> Got<bool>;
    }
}

impl Shared for Halves {
    to! {
        [write]
        fn kept_lists() -> Got<Vec<KeptList>>;
        fn lists_mark() -> Got<u64>;
        fn mark() -> Got<String>;
        fn keep_list(list: &KeptList) -> Got<()>;
        fn clearing(integration: &str) -> Got<Option<Clearing>>;
        fn begin_clearing(new: &Clearing, seen: Option<&str>) -> Got<Clearing>;
        fn tell_clearing(now: &Clearing) -> Got<bool>;
        fn proposals(integration: Option<&str>) -> Got<Vec<Proposed>>;
        fn keep_proposal(new: &Proposed) -> Got<()>;
        fn end_proposal(id: &str, state: &str, at: &str, by: &str) -> Got<bool>;
    }
}
