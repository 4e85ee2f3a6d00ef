//! Behind a real reverse proxy: Debian's nginx, with TLS, under a prefix.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::poll;
use crate::harness::server::{Ending, Installation, free_port};

/// Whether nginx is there. `make test` installs it; elsewhere the test says why it does nothing.
fn nginx() -> Option<&'static str> {
    let candidates = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
    candidates.into_iter().find(|path| Path::new(path).exists())
}

/// The configuration of nginx, as docs/access.md shows it. `passed` is what the proxy passes to.
fn configuration(root: &Path, port: u16, passed: &str) -> String {
    let root = root.display();
    format!(
        r#"
daemon off;
master_process off;
error_log {root}/nginx.log;
pid {root}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name aw.example;
        ssl_certificate {root}/cert.pem;
        ssl_certificate_key {root}/key.pem;
        client_max_body_size 0;
        location = /aw {{ return 301 /aw/; }}
        location /aw/ {{
            proxy_pass {passed};
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
        }}
    }}
}}
"#
    )
}

fn run(command: &mut Command) {
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("the command to start");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{command:?}: {text}");
}

fn web_ui(root: &Path) {
    let web = root.join("web");
    fs::create_dir_all(web.join("js")).expect("a directory");
    let page = r#"<!doctype html><html><head><link rel="stylesheet" crossorigin href="/dark.css">
<script type="module" crossorigin src="/js/app.js"></script></head><body><img src="/logo.png"></body></html>"#;
    for (file, text) in [
        ("index.html", page),
        ("js/app.js", "fetch('/api/0/info')"),
        ("dark.css", "body { background: url(/logo.png) }"),
        ("logo.png", "not really"),
    ] {
        fs::write(web.join(file), text).expect("a file");
    }
}

#[test]
fn the_standard_web_ui_works_behind_nginx_with_tls_under_a_prefix() {
    let Some(nginx) = nginx() else {
        println!("skipped: nginx is not installed (apt-get install nginx-light)");
        return;
    };
    let mut installation = Installation::new();
    let root = installation.root().to_owned();
    web_ui(&root);
    installation.configure(
        "webpath = \"web\"\nbase_path = \"/aw/\"\ntrusted_proxies = [\"127.0.0.1\"]\nallowed_hosts = [\"aw.example\"]\n\
         [custom_static]\nwatcher = \"web\"\n",
    );
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]);
    openssl.args([
        "-days",
        "2",
        "-subj",
        "/CN=aw.example",
        "-addext",
        "subjectAltName=DNS:aw.example",
    ]);
    openssl
        .arg("-keyout")
        .arg(root.join("key.pem"))
        .arg("-out")
        .arg(root.join("cert.pem"));
    run(&mut openssl);
    let server = installation.start();
    // With and without the prefix in what the proxy passes on.
    for passed in [
        format!("http://127.0.0.1:{}", server.port),
        format!("http://127.0.0.1:{}/", server.port),
    ] {
        let port = free_port();
        let file = root.join("nginx.conf");
        fs::write(&file, configuration(&root, port, &passed)).expect("a file");
        let mut command = Command::new(nginx);
        command
            .arg("-p")
            .arg(&root)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null());
        let proxy = Ending(command.spawn().expect("nginx to start"));
        poll("nginx to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/nginx/standard_ui.py");
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = Command::new(python);
        command.env("NO_PROXY", "aw.example").arg(script);
        command
            .arg(format!("https://aw.example:{port}/aw"))
            .arg(root.join("cert.pem"));
        run(&mut command);
        drop(proxy);
    }
    server.stop();
}
