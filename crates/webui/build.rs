//! Makes a table of the files in `webui/dist`, if it is there. `npm run build` makes it; `make webui` does that and has this
//! script run again.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("files.rs");
    println!("cargo:rerun-if-changed=build.rs");
    let mut table = String::from("&[\n");
    if let Ok(dist) = home.join("../../webui/dist").canonicalize() {
        // Only a directory that is there: cargo takes one that is missing for changed, and would build everything again each time.
        println!("cargo:rerun-if-changed={}", dist.display());
        let mut files = Vec::new();
        collect(&dist, &mut files)?;
        // In the order of the paths as they stand in the table.
        files.sort_by_key(|file| file.display().to_string().replace('\\', "/"));
        for file in files.iter().filter(|file| !is_compressed(file)) {
            write_entry(&mut table, &dist, file)?;
        }
    }
    table.push(']');
    fs::write(out, table)?;
    Ok(())
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether it is another form of a file beside it.
fn is_compressed(file: &Path) -> bool {
    let extension = file
        .extension()
        .is_some_and(|extension| extension == "br" || extension == "gz");
    extension && file.with_extension("").exists()
}

fn write_entry(table: &mut String, dist: &Path, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let path = file
        .strip_prefix(dist)?
        .to_str()
        .ok_or("a file name is not UTF-8")?;
    let path = path.replace(std::path::MAIN_SEPARATOR, "/");
    let bytes = fs::read(file)?;
    writeln!(
        table,
        "    File {{ path: {path:?}, tag: \"{:016x}\", plain: {}, brotli: {}, gzip: {} }},",
        fnv(&bytes),
        included(file),
        included_if_there(file, "br"),
        included_if_there(file, "gz"),
    )?;
    Ok(())
}

fn included(file: &Path) -> String {
    format!("include_bytes!({:?})", file.display().to_string())
}

fn included_if_there(file: &Path, extension: &str) -> String {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    let compressed = PathBuf::from(name);
    match compressed.exists() {
        true => format!("Some({})", included(&compressed)),
        false => "None".to_owned(),
    }
}

/// FNV-1a: it tells versions of a file apart, and keeps nobody from making two alike.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
