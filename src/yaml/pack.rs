//! A tree as the bytes that the built-in parts and archives of a catalogue are kept in; `schema::packed` says in what form, and
//! reads it. The build packs with this, too.

use super::tree::{Node, NodeKind};

/// Adds a value.
pub fn pack(node: &Node, into: &mut Vec<u8>) {
    match &node.kind {
        NodeKind::Null | NodeKind::Hole => into.push(b'n'),
        NodeKind::Bool(on) => into.push(if *on { b't' } else { b'f' }),
        NodeKind::Number(number) => pack_scalar(b'#', number, into),
        NodeKind::Text(text) => pack_text(text, into),
        NodeKind::List(items) => {
            into.push(b'[');
            pack_length(items.len(), into);
            items.iter().for_each(|item| pack(item, into));
        }
        NodeKind::Map(map) => {
            begin_map(map.len(), into);
            for entry in map.entries() {
                pack_key(&entry.key.text, into);
                pack(&entry.value, into);
            }
        }
    }
}

/// Begins a map, of so many keys, each with its value.
pub fn begin_map(length: usize, into: &mut Vec<u8>) {
    into.push(b'{');
    pack_length(length, into);
}

/// Adds a key of a map.
pub fn pack_key(text: &str, into: &mut Vec<u8>) {
    pack_length(text.len(), into);
    into.extend(text.bytes());
}

/// Adds a text.
pub fn pack_text(text: &str, into: &mut Vec<u8>) {
    pack_scalar(b'"', text, into);
}

fn pack_scalar(kind: u8, text: &str, into: &mut Vec<u8>) {
    into.push(kind);
    pack_key(text, into);
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn pack_length(mut length: usize, into: &mut Vec<u8>) {
    loop {
        let [low, ..] = length.to_le_bytes();
        length >>= 7;
        into.push(if length > 0 { low | 0x80 } else { low & 0x7f });
        if length == 0 {
            return;
        }
    }
}
