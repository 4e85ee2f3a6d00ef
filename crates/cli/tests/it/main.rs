//! The integration tests of the `timberline` command, and of the server behind it: one binary, so that it is linked once.

#![allow(
    clippy::expect_used,
    reason = "what a test needs and does not get is its failure"
)]

mod access;
mod activity;
mod any_clock;
mod aw_client;
mod away;
mod backup;
mod buckets;
mod categories;
mod clients;
mod clock_jump;
mod conformance;
mod connections;
mod crash;
mod damaged_views;
mod disk_full;
mod doctor;
mod edits;
mod encrypted;
mod erasure;
mod export_command;
mod fake;
mod files_taken_away;
mod harness;
mod heartbeats;
mod history;
mod history_documentation;
mod import;
mod import_command;
mod install;
mod lifecycle;
mod log_commands;
mod mcp;
mod modes;
mod nginx;
mod notifications;
mod openapi;
mod origins;
mod other_history;
mod privacy;
mod purge;
mod query;
mod query_command;
mod real_programs;
mod records;
mod refused_start;
mod repair;
mod search;
mod shadow;
mod status;
mod stream;
mod timeline;
mod tls;
mod up;
mod wakatime;
mod web;
mod webhooks;
mod webui;
