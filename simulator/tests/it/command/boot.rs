//! `preflash boot`: what it refuses, and what published images do (those tests are ignored unless asked for, by `cargo
//! ci images`, because the images are not ours to keep).

use super::bench::Bench;

#[test]
fn what_is_no_image_is_refused_with_a_way_out() {
    let bench = Bench::new("boot-refused");
    bench.file("text.bin", "this is no image");
    let refused = |arguments: &str| {
        let ended = bench.preflash(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments}");
        ended.stderr
    };
    assert!(refused("boot missing.bin").contains("could not read missing.bin: no such file"));
    let text = refused("boot text.bin");
    assert!(text.contains("could not use text.bin: "), "{text}");
    assert!(refused("boot text.bin --flash-size 3M").contains("expected one of 256K, 512K, 1M"));
    assert!(refused("boot text.bin --wifi :secret").contains("a network's name has 1 to 32 bytes, this has 0"));
    assert!(refused("boot text.bin --wifi home:short").contains("a passphrase has 8 to 63 bytes, this has 5"));
    assert!(refused("boot text.bin --line-ending vt").contains("expected one of cr, lf, crlf"));
    assert!(refused("boot text.bin --board duck").contains("there is no board \"duck\": it is one of yellow-duck"));
}

#[test]
fn a_scenario_whose_image_is_missing_is_left_out_unless_it_is_named() {
    let bench = Bench::new("boot-missing");
    let own = "title = 't'\nduration = '1s'\n[[expect]]\nevent.boot = {}\n";
    bench.file("all/own.toml", own);
    bench.file("all/image.toml", &format!("{own}[device]\nimage = 'missing.bin'\n"));
    let ended = bench.preflash("run all");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("1 scenario is left out: all/missing.bin is not there"), "{}", ended.stderr);
    let ended = bench.preflash("run all/image.toml");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("could not read all/missing.bin: no such file"), "{}", ended.stderr);
}

#[cfg(unix)]
mod images {
    use std::path::{Path, PathBuf};

    use super::*;

    /// Boots an image in a folder of the test's own.
    fn boot(test: &str, name: &str, arguments: &str, typed: &str) -> (String, String) {
        let image = images().join(name);
        assert!(image.exists(), "{} is not there; ci/setup-images fetches it", image.display());
        let bench = Bench::new(&format!("boot-{test}"));
        bench.file("typed.txt", typed);
        let ended = bench.shell(&format!("preflash boot '{}' {arguments} < typed.txt", image.display()));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        (ended.stdout, ended.stderr)
    }

    fn images() -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")).join("images")
    }

    #[test]
    #[ignore = "needs an image that ci/setup-images fetches"]
    fn micropython_scans_and_joins_a_wpa2_network() {
        let typed = "import network,time; w=network.WLAN(network.STA_IF); w.active(True); print(w.scan())\n\
                     w.connect(\"preflash\",\"hunter2duck\")\n\
                     time.sleep(4); print(\"ST\", w.status(), w.ifconfig()[0])\n";
        let (sent, told) = boot("scans", "micropython-1.9.4.bin", "--seconds 16 --wifi preflash:hunter2duck", typed);
        assert!(sent.contains("[(b'preflash', b'\\x02PF\\x00\\x00\\x01', 6, -55, 3, 0)]"), "{sent}");
        assert!(sent.contains("ST 5 192.168.1.10"), "{sent}");
        assert!(told.contains("attempt to join `preflash`: joined at 02:50:46:00:00:01"), "{told}");
        assert!(told.contains("DHCP on `preflash`: acknowledged 192.168.1.10"), "{told}");
    }

    /// NodeMCU shows its first prompt after it has formatted its flash for 40 s.
    #[test]
    #[ignore = "needs an image that ci/setup-images fetches"]
    fn lines_wait_for_the_prompt() {
        let (sent, told) = boot("prompt", "nodemcu-1.5.4.1.bin", "--seconds 60", "print(6 * 7)\nprint(7 * 8)\n");
        assert!(sent.contains("> print(6 * 7)\r\n42\r\n> print(7 * 8)\r\n56\r\n> "), "{sent}");
        assert!(!told.contains("were not typed"), "{told}");
    }

    /// What is typed while MicroPython sleeps deeply would be lost.
    #[test]
    #[ignore = "needs an image that ci/setup-images fetches"]
    fn nothing_is_typed_at_a_device_in_deep_sleep() {
        let typed = "import machine; r = machine.RTC(); r.irq(trigger=r.ALARM0, wake=machine.DEEPSLEEP)\n\
                     r.alarm(r.ALARM0, 5000); machine.deepsleep()\n\
                     import machine; print('woken', machine.reset_cause() == machine.DEEPSLEEP_RESET)\n";
        let (sent, _) = boot("asleep", "micropython-1.9.4.bin", "--seconds 14", typed);
        assert!(sent.contains("woken True"), "{sent}");
    }

    #[test]
    #[ignore = "needs an image that ci/setup-images fetches"]
    fn a_line_ends_as_asked() {
        let (sent, _) = boot("line-ending", "punyforth-0.5.bin", "--seconds 5 --line-ending lf", "6 7 * . cr\n");
        assert!(sent.contains("42"), "{sent}");
    }

    #[test]
    #[ignore = "needs an image that ci/setup-images fetches"]
    fn an_arduino_image_opens_its_access_point() {
        let (sent, told) = boot("arduino", "esp-linker-1.4.2.bin", "--seconds 4", "");
        assert!(sent.contains("AP active: ESP_Link (192.168.4.1)"), "{sent}");
        assert!(told.contains("access point `ESP_Link` (1a:fe:34:00:00:00) appears"), "{told}");
    }
}
