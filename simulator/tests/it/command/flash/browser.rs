//! The page of `preflash flash --page`, its files and what it does in Chromium (ignored unless asked for by `cargo ci
//! browser`, because it needs what `ci/setup-browser` installs).

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

use super::*;

#[test]
fn the_page_has_what_was_validated_in_the_order_of_writing() {
    let bench = bench("flash-page");
    let ended = bench.preflash("flash firmware.bin --page public");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let manifest: Value = serde_json::from_str(&bench.read("public/manifest.json")).unwrap();
    let build = &manifest["builds"][0];
    assert_eq!((&manifest["name"], &build["chipFamily"]), (&"firmware.bin".into(), &"ESP8266".into()));
    let parts = build["parts"].as_array().unwrap();
    // Blank first and what boots last, at the beginning both.
    let offset = |part: &Value| part["offset"].as_u64().unwrap();
    assert_eq!((offset(&parts[0]), offset(parts.last().unwrap())), (0, 0));
    for part in parts {
        let bytes = fs::read(bench.folder.join("public").join(part["path"].as_str().unwrap())).unwrap();
        assert_eq!(part["sha256"], simulator::validation::sha256(&bytes));
        assert_eq!(part["bytes"], bytes.len());
    }
    assert_eq!(bench.read("public/validated.json"), bench.read("validated.json"));
    assert!(bench.read("public/index.html").contains(parts[0]["sha256"].as_str().unwrap()));
    // Once more, in its place; but not in another's.
    assert_eq!(bench.preflash("flash firmware.bin --page public").code, Some(0));
    let ended = bench.preflash("flash firmware.bin --page scenarios");
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("no page of preflash's"), "{}", ended.stderr);
    let ended = bench.preflash("flash firmware.bin --page other --manifest none.json");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(!bench.folder.join("other").exists());
}

/// Serves a folder to this computer for as long as the tests run, and gives its address.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), Vec::new());
            let mut chunk = [0; 1_024];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut chunk) {
                    Ok(count @ 1..) => request.extend(&chunk[..count]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
            let kind = match path.rsplit('.').next() {
                Some("html") => "text/html",
                Some("js") => "text/javascript",
                _ => "application/octet-stream",
            };
            let found = fs::read(folder.join(path));
            let (status, bytes) = found.map_or_else(|_| ("404 Not Found", Vec::new()), |bytes| ("200 OK", bytes));
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", bytes.len());
            // A browser may have gone.
            let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes());
            let _ = stream.write_all(&bytes);
        }
    });
    format!("http://{address}/index.html")
}

/// What Chromium makes of the page, as text; beside the folder is a picture of it.
fn look_at(bench: &Bench, url: &str) -> String {
    let profile = bench.folder.join("profile").display().to_string();
    let picture = bench.folder.with_extension("png").display().to_string();
    let options =
        format!("--headless=new --no-sandbox --disable-gpu --user-data-dir={profile} --virtual-time-budget=9000");
    let line =
        |more: &str| format!("timeout 60 $(command -v chromium || command -v google-chrome) {options} {more} {url}");
    let drawn = bench.shell(&line(&format!("--window-size=900,900 --screenshot={picture}")));
    assert_eq!(drawn.code, Some(0), "{}", drawn.stderr);
    let ended = bench.shell(&line("--dump-dom"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.stdout
}

#[test]
#[ignore = "needs Chromium; see ci/setup-browser"]
fn the_page_hands_on_what_it_has_compared_and_refuses_anything_else() {
    let bench = bench("flash-browser");
    // In the place of ESP Web Tools: what the real one reads of its manifest and parts, written into the page.
    bench.file(
        "tools.js",
        "customElements.define('esp-web-install-button', class extends HTMLElement {\n\
         async connectedCallback() {\n\
         const manifest = await (await fetch(this.getAttribute('manifest'))).json();\n\
         const sizes = [];\n\
         for (const part of manifest.builds[0].parts) {\n\
         const url = new URL(part.path, this.getAttribute('manifest'));\n\
         sizes.push(`${part.offset}:${(await (await fetch(url)).arrayBuffer()).byteLength}`);\n\
         }\n\
         this.textContent = `${manifest.builds[0].chipFamily} ${sizes.join(' ')}`;\n\
         } });\n",
    );
    assert_eq!(bench.preflash("flash firmware.bin --page public --web-tools tools.js").code, Some(0));
    fs::copy(bench.folder.join("tools.js"), bench.folder.join("public/tools.js")).unwrap();
    let url = serve(bench.folder.join("public"));
    let page = look_at(&bench, &url);
    assert!(page.contains("<body data-state=\"ready\">") && !page.contains("<td>✗</td>"), "{page}");
    let manifest: Value = serde_json::from_str(&bench.read("public/manifest.json")).unwrap();
    let parts = manifest["builds"][0]["parts"].as_array().unwrap().iter();
    let sizes: Vec<String> = parts.map(|part| format!("{}:{}", part["offset"], part["bytes"])).collect();
    assert!(page.contains(&format!("ESP8266 {}</esp-web-install-button>", sizes.join(" "))), "{page}");
    // One bit.
    let part = bench.folder.join("public/0x00000.bin");
    let mut bytes = fs::read(&part).unwrap();
    bytes[2] ^= 1;
    fs::write(part, bytes).unwrap();
    let page = look_at(&bench, &url);
    assert!(page.contains("<body data-state=\"refused\">") && page.contains("<td>✗</td>"), "{page}");
    assert!(page.contains("0x00000.bin is not what has passed") && !page.contains("<esp-web-install-button"), "{page}");
}
