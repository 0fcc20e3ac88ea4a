//! Has the program linked again when what links it has changed: cargo knows nothing of the linker driver's files.

fn main() {
    for file in ["boot.S", "cpu.S", "esp8266.ld", "rom.ld", "linker/src"] {
        println!("cargo:rerun-if-changed=../toolchain/{file}");
    }
}
