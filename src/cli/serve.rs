//! `serve`: the Configure section over HTTP, until it is interrupted.
#![expect(clippy::disallowed_methods, reason = "tells while the server runs, from any of its threads")]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::args::Serve as Args;
use super::exit::{self, Stop};
use super::session::Session;
use crate::ops::forge::{Api, Forge};
use crate::ops::section::Proposing;
use crate::ops::serving::{Proxy, Serve, Serving, Told};
use crate::ops::{Host, Workspace};
use crate::source::load::find_root;
use crate::store::Address;

/// Runs the command.
///
/// # Errors
/// When there is no store to serve, or it cannot listen.
pub fn run(mut session: Session, args: &Args, serve: Option<Serve>) -> Result<u8, Stop> {
    let serve = serve.ok_or_else(|| {
        Stop::usage("this pairform was built without its server").help("build it with the feature `serve`")
    })?;
    let (environment, store, project) = place(&session)?;
    let proposing = proposing(args, project.as_deref().unwrap_or(&session.here))?;
    let proxy = args.trusted_proxy.zip(args.user_header.clone());
    let serving = Serving {
        listen: args.listen,
        tls: args
            .tls_cert
            .as_ref()
            .zip(args.tls_key.as_ref())
            .map(|(certificate, key)| (session.path(certificate), session.path(key))),
        proxy: proxy.map(|(network, user_header)| Proxy { network, user_header }),
        pipelines: session.pipelines.clone(),
        is_read_only: args.read_only,
        store,
        tell: Arc::new(tell),
        environment,
        request: session.request(),
        signatures: session.signatures.clone(),
        proposing,
        project,
    };
    // Nobody at this terminal is asked for what somebody else sends.
    session.common.no_input = true;
    session.watch_interrupts();
    let stop = session.cancelled();
    let session = Arc::new(session);
    serve(serving, Arc::new(move |work: &mut dyn FnMut(&Host<'_>)| session.host(|host| work(host))), stop)?;
    Ok(exit::OK)
}

/// Where it listens is the first line on stdout, and links to the pages follow; what became of requests goes to stderr.
fn tell(told: &Told<'_>) {
    // Nobody may be there to read it.
    let _ = match told {
        Told::Listening(at) => writeln!(std::io::stdout().lock(), "listening on {at}"),
        Told::Link(at) => writeln!(std::io::stdout().lock(), "the pages open with {at} (once)"),
        Told::Request(line) => writeln!(std::io::stderr().lock(), "{line}"),
    };
}

/// Where changes of the files are proposed. Nothing of it comes from the repository.
fn proposing(args: &Args, folder: &Path) -> Result<Proposing, Stop> {
    let remote = args.propose_to.clone();
    let forge = args.forge.clone().or_else(|| remote.as_ref().and_then(Forge::guess));
    if forge.is_none() && args.forge_token.is_some() {
        return Err(Stop::usage(
            "which forge the token is for is not known from the address that is pushed to",
        )
        .help("name it: --forge gitlab=https://HOST/OWNER/REPOSITORY (or github, azure, gitea)"));
    }
    let api = args.forge_token.clone().map(|token| Api {
        root: args.forge_api.clone(),
        token,
        folder: folder.to_owned(),
    });
    Ok(Proposing { remote, forge, onto: args.propose_onto.clone(), api })
}

/// The environment, its store, and the project if there is one here; else a store has to be named.
///
/// # Errors
/// When there is neither.
pub fn place(session: &Session) -> Result<(Option<String>, Address, Option<std::path::PathBuf>), Stop> {
    let request = session.request();
    let Some(root) = find_root(&session.here) else {
        let url = request.store.ok_or_else(|| {
            Stop::usage("there is no pairform.yaml here or in a folder above, and no store was named")
                .help("name the store: --store URL")
        })?;
        return Ok((request.environment, Address::from(url.as_str()), None));
    };
    let workspace = Workspace::open(&session.here)?;
    let (environment, address) = session.host(|host| workspace.store(&request, host))?;
    Ok((environment, address, Some(root)))
}
