//! This process and its machine: the standard library knows nothing of them.

use crate::os::ResidentMemory;

/// Makes the calling thread give way to all others: not here.
pub fn lower_priority() {}

/// Memory of this process: not known here.
#[must_use]
pub fn resident_memory() -> Option<ResidentMemory> {
    None
}

/// The name of this machine: not known here.
#[must_use]
pub fn host_name() -> Option<String> {
    None
}

/// Makes the allocator give memory back early: not here.
pub fn set_up_allocator() {}

/// Gives every free page of the allocator back to the system: allocators do that by themselves.
pub fn trim_allocator() {}
