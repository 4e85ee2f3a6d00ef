//! How a command knows that it speaks to the right server: its key, and its certificate.
//!
//! An https server must show a certificate that is one of these:
//! - it has the fingerprint that `--cert-fingerprint` names;
//! - it is in the file that `--ca` names, or is signed by one in it;
//! - it is the certificate of the configuration, if that describes the server;
//! - without any of these, it is signed by an authority that this system knows.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use crate::server_client::ServerClient;
use crate::tls_client::{Fingerprint, Trust};

/// They come last in the help.
const HEADING: &str = "How the server is verified (https)";

/// The flags that say by what an https server is known.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TrustArgs {
    /// SHA-256 fingerprint of the server's certificate, as `timberline cert` prints it
    #[arg(long, value_name = "HEX", help_heading = HEADING, conflicts_with = "ca")]
    cert_fingerprint: Option<Fingerprint>,
    /// PEM file with the server's certificate, or that of its issuer
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    ca: Option<PathBuf>,
}

impl TrustArgs {
    /// A server as these flags and the configuration `file` (if it is not a usual one) know it.
    ///
    /// # Errors
    /// When a file with certificates cannot be read.
    pub(crate) fn know(&self, server: ServerClient, file: Option<&Path>) -> anyhow::Result<ServerClient> {
        let server = server.with_config(file);
        let trust = match (&self.cert_fingerprint, &self.ca) {
            (Some(fingerprint), _) => Trust::Pinned(vec![*fingerprint]),
            (None, Some(ca)) => Trust::file(ca)?,
            (None, None) => return Ok(server),
        };
        Ok(server.with_trust(trust))
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected 64 hexadecimal digits, with or without colons".to_owned();
        let digits: Vec<u32> = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16).ok_or_else(wrong))
            .collect::<Result<_, _>>()?;
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(wrong());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let number = pair.iter().fold(0, |number, digit| number * 16 + digit);
            *byte = u8::try_from(number).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_in_every_notation() {
        let plain = "00ff".repeat(16);
        let pairs: Vec<&str> = (0..32).map(|at| &plain[2 * at..2 * at + 2]).collect();
        let expected = Fingerprint(std::array::from_fn(|at| if at % 2 == 0 { 0 } else { 0xff }));
        for text in [
            plain.clone(),
            plain.to_uppercase(),
            pairs.join(":"),
            pairs.join(" "),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "00",
            &plain[1..],
            &format!("{plain}0"),
            &plain.replace('f', "g"),
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
