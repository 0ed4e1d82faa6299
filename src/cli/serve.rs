//! `serve`: the Configure section over HTTP, until it is interrupted.
#![expect(clippy::disallowed_methods, reason = "tells while the server runs, from any of its threads")]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::args::Serve as Args;
use super::exit::{self, Stop};
use super::reconcile;
use super::session::Session;
use crate::ops::Host;
use crate::ops::forge::{Api, Forge};
use crate::ops::reconcile::Rounds;
use crate::ops::section::Proposing;
use crate::ops::serving::{Proxy, Server, Serving, Told};

/// Runs the command.
///
/// # Errors
/// When there is no store to serve, or it cannot listen.
pub fn run(mut session: Session, args: &Args, server: Option<Server>) -> Result<u8, Stop> {
    let server = server.ok_or_else(|| {
        Stop::usage("this pairform was built without its server").help("build it with the feature `serve`")
    })?;
    let (environment, store, project) = session.place()?;
    let rounds = args.reconcile.then(Arc::<Rounds>::default);
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
        rounds: rounds.clone(),
        project,
    };
    // Nobody at this terminal is asked for what somebody else sends.
    session.common.no_input = true;
    session.watch_interrupts();
    let stop = session.cancelled();
    let session = Arc::new(session);
    let of_requests = Arc::clone(&session);
    let hosts = Arc::new(move |work: &mut dyn FnMut(&Host<'_>)| of_requests.host(|host| work(host)));
    std::thread::scope(|scope| {
        let beside = rounds.map(|rounds| {
            let (session, stop) = (&session, &stop);
            scope.spawn(move || {
                let done = reconcile::beside(session, &args.rounds, &rounds);
                // Where one of both cannot go on, the other ends too.
                stop.store(true, Ordering::SeqCst);
                done
            })
        });
        let served = (server.serve)(serving, hosts, Arc::clone(&stop));
        stop.store(true, Ordering::SeqCst);
        let reconciled = beside.map_or(Ok(exit::OK), |beside| {
            beside.join().unwrap_or_else(|_| {
                Err(Stop::new(
                    exit::INTERNAL,
                    "the reconciler failed; this is a fault of pairform, and nothing that was saved is lost",
                ))
            })
        });
        served?;
        reconciled
    })
}

/// Where it listens is the first line on stdout, and links to the pages follow; what became of requests goes to stderr.
fn tell(told: &Told<'_>) {
    // Nobody may be there to read it.
    let _ = match told {
        Told::Listening(at) => writeln!(std::io::stdout().lock(), "listening on {at}"),
        Told::Link(at) => writeln!(std::io::stdout().lock(), "the pages open with {at} (once)"),
        // At once, as nothing is kept back there.
        Told::Request(line) => std::io::stderr().lock().write_all(format!("{line}\n").as_bytes()),
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
