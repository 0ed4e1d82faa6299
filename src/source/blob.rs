//! A text in git's object store, read when somebody asks for it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use git2::{ObjectType, Oid, Repository};

use super::content::{Content, MAX_BYTES, ReadFault};

/// A text in git's object store.
pub(super) struct Blob {
    pub(super) id: Oid,
    objects: Arc<Objects>,
}

/// A repository that texts are read from, opened as often as there are threads that read at once.
pub(super) struct Objects {
    folder: PathBuf,
    idle: Mutex<Vec<Repository>>,
}

impl Objects {
    pub(super) fn of(repository: &Repository) -> Arc<Self> {
        Arc::new(Objects { folder: repository.path().to_owned(), idle: Mutex::default() })
    }

    fn with<T>(&self, read: impl FnOnce(&Repository) -> T) -> Result<T, git2::Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().pop();
        let repository = match known {
            Some(repository) => repository,
            None => Repository::open(&self.folder)?,
        };
        let read = read(&repository);
        idle().push(repository);
        Ok(read)
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Blob({})", self.id)
    }
}

impl Blob {
    pub(super) fn new(id: Oid, objects: Arc<Objects>) -> Self {
        Blob { id, objects }
    }

    /// Whether git would keep this under the same id.
    pub(super) fn is(&self, content: &Content) -> bool {
        let id = || Oid::hash_object(ObjectType::Blob, content.text.as_bytes());
        content.fault.is_none() && id().is_ok_and(|id| id == self.id)
    }

    pub(super) fn read(&self) -> Content {
        let read = self.objects.with(|repository| self.read_from(repository));
        read.unwrap_or_else(|error| Content::faulty(ReadFault::Unreadable(error.message().to_owned())))
    }

    fn read_from(&self, repository: &Repository) -> Content {
        let unreadable = |reason: &str| Content::faulty(ReadFault::Unreadable(reason.to_owned()));
        let size = repository.odb().and_then(|objects| objects.read_header(self.id));
        let size = size.map_or(0, |(size, _)| size as u64);
        if size > MAX_BYTES {
            return Content::faulty(ReadFault::TooLarge { bytes: size, limit: MAX_BYTES });
        }
        match repository.find_blob(self.id) {
            Ok(blob) if blob.content().starts_with(b"version https://git-lfs") => {
                unreadable("its text lies in Git LFS; keep configuration in git itself")
            }
            Ok(blob) => Content::from_bytes(blob.content().to_vec()),
            Err(_) => unreadable("it is not in this clone; a partial clone lacks objects"),
        }
    }
}
