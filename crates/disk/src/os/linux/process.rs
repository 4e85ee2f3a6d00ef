//! This process and its machine.

use crate::os::ResidentMemory;

/// The lowest priority. Measured with two clients that query a year: beside query threads of niceness 19 the slowest percent
/// of heartbeats takes 1.2 times as long as without them, beside niceness 10 it took 1.4 to 7 times as long.
const NICENESS: i32 = 19;

/// Makes the calling thread give way to all others. If the system refuses, it only gives way more slowly.
pub fn lower_priority() {
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

/// Memory of this process, as the kernel counts it.
#[must_use]
pub fn resident_memory() -> Option<ResidentMemory> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
    };
    Some(ResidentMemory {
        anonymous: field("RssAnon:")?,
        of_files: field("RssFile:")?,
    })
}

/// The name of this machine in its network.
#[must_use]
pub fn host_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
    Some(name).filter(|name| !name.is_empty())
}

/// A block of this many bytes comes from the system and goes back to it when it is freed; so much free memory at the end
/// of an arena goes back as well. Left to itself glibc raises both, up to 32 and 64 MiB, with the first such block that
/// is freed.
#[cfg(target_env = "gnu")]
const LARGE_BLOCK: libc::c_int = 1 << 20;
#[cfg(target_env = "gnu")]
const FREE_AT_THE_END: libc::c_int = 4 << 20;

/// Makes the allocator give memory back early. To be called before there are threads.
pub fn set_up_allocator() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt only changes parameters of the allocator. If it refuses, that costs nothing but memory.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BLOCK);
        libc::mallopt(libc::M_TRIM_THRESHOLD, FREE_AT_THE_END);
    }
}

/// Gives every free page of the allocator back to the system. Other allocators than glibc's do that by themselves.
pub fn trim_allocator() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim takes the allocator's own locks, moves nothing that is in use, and may be called from any
    // thread at any time. Its argument is how many bytes to leave free at the top of the heap.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn freed_memory_goes_back_to_the_system() {
        // A hundred MiB of small pieces, of which the last lies above all others.
        let mut pieces: Vec<Box<[u8; 1024]>> = (0..100 << 10).map(|_| Box::new([1; 1024])).collect();
        let full = resident_memory().unwrap().anonymous;
        let last = pieces.pop();
        drop(pieces);
        trim_allocator();
        let left = resident_memory().unwrap().anonymous;
        assert!(full - left > 50 << 20, "{full} bytes became {left}");
        drop(last);
    }
}
