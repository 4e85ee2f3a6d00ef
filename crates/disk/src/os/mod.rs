//! What differs between operating systems, behind one set of functions.
//!
//! `linux` uses what Linux offers. `portable` needs only the standard library; it is used on all other systems, and on
//! Linux with the feature `portable`, so that the tests can run on it.

#[cfg(all(target_os = "linux", not(feature = "portable")))]
mod linux;
#[cfg(all(target_os = "linux", not(feature = "portable")))]
pub(crate) use linux::*;

#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
mod portable;
#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
pub(crate) use portable::*;
