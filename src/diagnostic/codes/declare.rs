//! How a stage declares its codes.

/// Declares the codes of a stage and lists them.
macro_rules! codes {
    ($($constant:ident = $id:literal $name:literal $summary:literal;)*) => {
        $(pub static $constant: $crate::diagnostic::Code =
            $crate::diagnostic::Code { id: $id, name: $name, summary: $summary };)*
        /// All codes of this stage, in order.
        pub static ALL: &[&$crate::diagnostic::Code] = &[$(&$constant),*];
    };
}
pub(super) use codes;
