//! What is allowed from outside: whose signatures of plans count. Pure data and its judgement.

mod signatures;

pub use signatures::{Signatures, Signer, SignerError};
