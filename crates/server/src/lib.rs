//! The Timberline server.
