//! What a file holds, and why that is not, or not wholly, what it should be.

/// A larger file is a finding, not a text.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Why a file's text is not, or not wholly, what stands on disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// Larger than the bound; the text was not read.
    #[error("it has {bytes} bytes, and no more than {limit} are read")]
    TooLarge { bytes: u64, limit: u64 },
    /// The first byte that is no UTF-8, as an offset into the text; what follows was replaced.
    #[error("it is no UTF-8 from byte {offset} on")]
    NotUtf8 { offset: usize },
    /// Could not be read, in the system's words.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub text: String,
    pub fault: Option<ReadFault>,
}

impl Content {
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Content { text, fault: None },
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                Content { text, fault: Some(ReadFault::NotUtf8 { offset }) }
            }
        }
    }

    pub(super) fn faulty(fault: ReadFault) -> Self {
        Content { text: String::new(), fault: Some(fault) }
    }
}
