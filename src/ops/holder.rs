//! Which process on which machine holds a lock, and whether it still runs. Where that cannot be told (another machine,
//! another container, a system without `/proc`) a holder counts as alive, and its lock expires in its time.

#![expect(clippy::disallowed_methods, reason = "the door through which processes are seen")]

use std::fs;

/// This process, as it is written into a lock: host, boot, process namespace, process id and when the process began, so
/// that neither a reboot nor a process id that is used again is taken for the holder.
#[must_use]
pub fn this_process() -> String {
    let id = std::process::id();
    format!("{}/{id}/{}", machine(), begun(id).unwrap_or_default())
}

/// True when the holder ran on this machine and does not any more.
#[must_use]
pub fn is_dead(holder: &str) -> bool {
    let machine = machine();
    let mut parts = holder.rsplitn(3, '/');
    let (Some(then), Some(id), Some(where_it_ran)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Ok(id) = id.parse::<u32>() else { return false };
    // Without a boot id nothing is known of processes.
    let is_here = where_it_ran == machine && !machine.contains("//") && !then.is_empty();
    is_here && begun(id).as_deref() != Some(then)
}

fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!(
        "{}/{}/{}",
        read("/proc/sys/kernel/hostname"),
        read("/proc/sys/kernel/random/boot_id"),
        namespace.display()
    )
}

/// The 22nd field of `/proc/ID/stat`, ticks since the machine was booted (proc_pid_stat(5)); none once the process has
/// ended, a zombie included.
fn begun(id: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the program's name in brackets, and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_dead_only_when_it_ran_here_and_ended() {
        let ours = this_process();
        assert!(!is_dead(&ours), "{ours}");
        assert!(!is_dead(""));
        assert!(!is_dead(&format!("elsewhere{ours}")));
        let Some((rest, _)) = ours.rsplit_once('/') else { return };
        if cfg!(target_os = "linux") {
            assert!(is_dead(&format!("{rest}/1")), "the same id, begun at another time");
        }
    }
}
