//! `audit`: the record of all saves as JSON lines, and the proof that such a record is whole.

use super::args::{Audit, AuditCommand, Common};
use super::exit::{self, Stop};
use super::project;
use super::streams::Streams;
use crate::compile::project::Project as Declared;
use crate::report::audit;
use crate::source::load;
use crate::store;

/// Runs the command.
///
/// # Errors
/// When there is no store, or the file is not a whole record.
pub fn run(common: &Common, args: &Audit, streams: &mut Streams) -> Result<u8, Stop> {
    match &args.command {
        AuditCommand::Export => {
            let (root, sources) = project::read_tree()?;
            let declared = Declared::read(&sources, &mut Vec::new());
            let (_, url) =
                project::store_of(&declared, &root, common.env.as_deref(), common.store.as_deref())?;
            let mut store = store::open_existing(&url)?
                .ok_or_else(|| Stop::usage("there is no store yet, so nothing was saved"))?;
            let (records, notes) = (store.records()?, store.notes()?);
            streams.result(&audit::export(store.identity(), &records, &notes));
            Ok(exit::OK)
        }
        AuditCommand::Verify { file } => {
            let read = load::read(file);
            if let Some(fault) = read.fault() {
                return Err(Stop::usage(format!("cannot read {}: {fault:?}", file.display())));
            }
            let lines = audit::verify(read.text()).map_err(|(line, why)| {
                Stop::new(exit::ERRORS, format!("{}:{line}: {why}", file.display()))
            })?;
            streams.say(&format!("{lines} lines, whole and unchanged.\n"));
            Ok(exit::OK)
        }
    }
}
