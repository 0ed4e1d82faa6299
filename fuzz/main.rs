//! libFuzzer's door to the targets: `PAIRFORM_FUZZ` names the one that this process tries. `fuzz/run` builds and starts it.

#![no_main]

use std::sync::LazyLock;

mod targets;

static CHOSEN: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("PAIRFORM_FUZZ").unwrap_or_default();
    let found = targets::ALL.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("PAIRFORM_FUZZ names no target: {name:?}")).1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| CHOSEN(data));
