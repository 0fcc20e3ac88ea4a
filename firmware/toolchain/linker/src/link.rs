//! From what rustc hands over to an ELF.
//!
//! rustc calls this as its linker, with bitcode objects and archives (`-C linker-plugin-lto`). The program is merged,
//! optimised as one, assembled into `program.o` and linked against trap stubs. Steps leave their files in a folder,
//! where [`vendor()`] finds `program.o` again.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use object::read::archive::ArchiveFile;
use object::{Object, ObjectSymbol};

use crate::error::Error;
use crate::tools::{self, Source};
use crate::{assembly, codegen, declarations, esp07, reach, toolchain};

/// Names that code generation may still call, so that none is dropped before.
const LIBRARY_CALLS: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];

/// Names the folder for the files of each step; without it they land beside the output.
pub const STEPS: &str = "ESP8266_LINKER_STEPS";
/// Names the folder with the start and the linker script of bare programs, if such are to be linked.
pub const BARE: &str = "ESP8266_LINKER_BARE";
/// What is called of a bare program: by its start, and by code generation.
const BARE_NAMES: [&str; 2] = ["program", "__muldi3"];
/// What llc printed, in that folder.
pub const GENERATED: &str = "program.ll.s";

/// Links as rustc asks for it.
///
/// # Errors
/// What is missing, or which tool failed and why.
pub fn run(arguments: &[String]) -> Result<(), Error> {
    let inputs = Inputs::parse(arguments)?;
    let source = tools::find()?;
    let steps = env::var_os(STEPS).map_or_else(|| inputs.output.with_extension("steps"), PathBuf::from);
    let _none = fs::remove_dir_all(&steps);
    fs::create_dir_all(&steps).map_err(Error::file(&steps))?;
    if let Some(folder) = env::var_os(BARE) {
        return bare(&inputs, &source, &steps, Path::new(&folder));
    }
    compile(&inputs, &source, &steps, &exports()?)?;
    assemble(&toolchain().join("cpu.S"), &steps.join("cpu.o"))?;

    let functions = vendor_functions()?;
    let stubs = steps.join("stubs.S");
    fs::write(&stubs, declarations::stubs(&functions)).map_err(Error::file(&stubs))?;
    assemble(&stubs, &steps.join("stubs.o"))?;
    assemble(&toolchain().join("boot.S"), &steps.join("boot.o"))?;
    check_boundary(&steps, &functions)?;
    let mut others = wanted(exports()?);
    others.extend([steps.join("boot.o"), steps.join("stubs.o")].map(PathBuf::into_os_string));
    ld_image(&inputs.output, &steps, "sdk_boot", &others)
}

/// Links a bare program with the start and the script in `folder`.
fn bare(inputs: &Inputs, source: &Source, steps: &Path, folder: &Path) -> Result<(), Error> {
    let exports: Vec<String> = BARE_NAMES.map(str::to_owned).into();
    compile(inputs, source, steps, &exports)?;
    let start = steps.join("start.o");
    assemble(&folder.join("start.S"), &start)?;
    let objects = [steps.join("program.o"), start, libgcc()?.into()].map(PathBuf::into_os_string);
    let map = inputs.output.with_extension("map");
    ld(&inputs.output, &map, "_start", &[&folder.join("programs.ld")], &objects)
}

/// The vendor's functions that the program declares.
fn vendor_functions() -> Result<Vec<String>, Error> {
    let path = esp07().join("src/sdk.rs");
    Ok(declarations::vendor_functions(&fs::read_to_string(&path).map_err(Error::file(path))?))
}

/// What rustc hands over.
struct Inputs {
    output: PathBuf,
    objects: Vec<PathBuf>,
    archives: Vec<PathBuf>,
}

impl Inputs {
    fn parse(arguments: &[String]) -> Result<Self, Error> {
        let mut inputs = Self { output: PathBuf::new(), objects: Vec::new(), archives: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "-o" {
                inputs.output = rest.next().map(PathBuf::from).unwrap_or_default();
            } else if argument.ends_with(".o") {
                inputs.objects.push(argument.into());
            } else if argument.ends_with(".rlib") {
                inputs.archives.push(argument.into());
            }
        }
        if inputs.output.as_os_str().is_empty() || inputs.objects.is_empty() {
            return Err(Error::Usage("rustc's linker needs `-o` and object files".into()));
        }
        Ok(inputs)
    }
}

/// Everything in bitcode, to `program.o`.
fn compile(inputs: &Inputs, source: &Source, steps: &Path, exports: &[String]) -> Result<(), Error> {
    let mut bitcode = Vec::new();
    for path in &inputs.objects {
        if is_bitcode(&fs::read(path).map_err(Error::file(path))?) {
            bitcode.push(path.clone());
        }
    }
    for (number, path) in inputs.archives.iter().enumerate() {
        extract(path, number, steps, &mut bitcode)?;
    }
    let step = |name: &str| steps.join(name);
    let (all, optimised, text) = (step("all.bc"), step("optimised.bc"), step(GENERATED));
    let mut link: Vec<&dyn AsRef<OsStr>> = vec![&"-o", &all];
    link.extend(bitcode.iter().map(|path| path as &dyn AsRef<OsStr>));
    tools::run("merge the program", source.llvm("llvm-link"), &link)?;

    let mut kept = exports.to_vec();
    kept.extend(LIBRARY_CALLS.map(str::to_owned));
    let keep = format!("--internalize-public-api-list={}", kept.join(","));
    tools::run(
        "optimise the program",
        source.llvm("opt"),
        &[&"--passes=internalize,globaldce,default<Os>", &keep, &all, &"-o", &optimised],
    )?;
    codegen::generate(source, &optimised, &text)?;
    let rewritten = step("program.s");
    let generated = fs::read_to_string(&text).map_err(Error::file(&text))?;
    fs::write(&rewritten, assembly::rewrite(&generated)).map_err(Error::file(&rewritten))?;
    assemble(&rewritten, &step("program.o"))
}

/// The names that the program offers to the SDK, and to the size report.
fn exports() -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for file in ["main.rs", "executor.rs", "lwip.rs"] {
        let path = esp07().join("src").join(file);
        names.extend(declarations::exports(&fs::read_to_string(&path).map_err(Error::file(path))?));
    }
    Ok(names)
}

/// Options that have the linker keep `names`, although nothing of ours calls them.
fn wanted(names: impl IntoIterator<Item = impl Into<OsString>>) -> Vec<OsString> {
    names.into_iter().flat_map(|name| ["-u".into(), name.into()]).collect()
}

/// LLVM's magic number.
fn is_bitcode(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BC\xC0\xDE")
}

/// Puts the bitcode members of an archive into files.
fn extract(path: &Path, number: usize, steps: &Path, bitcode: &mut Vec<PathBuf>) -> Result<(), Error> {
    let bytes = fs::read(path).map_err(Error::file(path))?;
    let malformed = |error: object::Error| Error::Malformed { path: path.to_owned(), reason: error.to_string() };
    let archive = ArchiveFile::parse(bytes.as_slice()).map_err(malformed)?;
    for (index, member) in archive.members().enumerate() {
        let member = member.and_then(|member| member.data(bytes.as_slice())).map_err(malformed)?;
        if is_bitcode(member) {
            let file = steps.join(format!("{number}-{index}.bc"));
            fs::write(&file, member).map_err(Error::file(&file))?;
            bitcode.push(file);
        }
    }
    Ok(())
}

fn assemble(from: &Path, to: &Path) -> Result<(), Error> {
    tools::run("assemble", &tools::gnu("xtensa-lx106-elf-as")?, &[&"--longcalls", &"-o", &to, &from])
}

/// Whether the program calls exactly the vendor's functions that it declares.
fn check_boundary(steps: &Path, functions: &[String]) -> Result<(), Error> {
    let path = steps.join("program.o");
    let bytes = fs::read(&path).map_err(Error::file(&path))?;
    let object = object::File::parse(bytes.as_slice())
        .map_err(|error| Error::Malformed { path: path.clone(), reason: error.to_string() })?;
    let called: BTreeSet<&str> =
        object.symbols().filter(|symbol| symbol.is_undefined()).filter_map(|symbol| symbol.name().ok()).collect();
    let unused: Vec<&str> = functions.iter().map(String::as_str).filter(|name| !called.contains(name)).collect();
    if unused.is_empty() {
        Ok(())
    } else {
        Err(Error::Boundary(format!("sdk.rs declares what nothing calls: {}", unused.join(", "))))
    }
}

/// Links `program.o` and `cpu.o` with `others` (objects, archives and options) into `output`, as an image, and checks
/// that it can do without the flash cache where it must.
fn ld_image(output: &Path, steps: &Path, entry: &str, others: &[OsString]) -> Result<(), Error> {
    let scripts = ["esp8266.ld", "rom.ld"].map(|name| toolchain().join(name));
    let mut inputs: Vec<OsString> = ["program.o", "cpu.o"].map(|name| steps.join(name).into()).into();
    inputs.push("--start-group".into());
    inputs.extend_from_slice(others);
    inputs.push(libgcc()?.into());
    inputs.push("--end-group".into());
    let scripts = scripts.each_ref().map(|script| script.as_path());
    let map = output.with_extension("map");
    ld(output, &map, entry, &scripts, &inputs)?;
    // Once more for the check, which reads from the relocations what calls what. Where they stay, GNU ld leaves the
    // debug information without addresses.
    inputs.push("--emit-relocs".into());
    let linked = steps.join("linked");
    ld(&linked, &map, entry, &scripts, &inputs)?;
    let checked = reach::check(&fs::read(&linked).map_err(Error::file(&linked))?);
    if checked.is_err() {
        // An image that cannot start must not lie where one that can is looked for.
        fs::remove_file(output).map_err(Error::file(output))?;
    }
    checked
}

/// Where the compiler's own library is.
fn libgcc() -> Result<String, Error> {
    tools::output(std::process::Command::new(tools::gnu("xtensa-lx106-elf-gcc")?).arg("-print-libgcc-file-name"))
        .map(|path| path.trim().to_owned())
        .ok_or_else(|| Error::MissingTool {
            tool: "libgcc".into(),
            remedy: "install the package gcc-xtensa-lx106".into(),
        })
}

/// Links `inputs` into `output`, and says in the file `map` what lies where.
fn ld(output: &Path, map: &Path, entry: &str, scripts: &[&Path], inputs: &[OsString]) -> Result<(), Error> {
    let map = format!("-Map={}", map.display());
    // Its warnings are about sections that the archives are too old to have.
    let mut arguments: Vec<&dyn AsRef<OsStr>> =
        vec![&"--gc-sections", &"--no-warn-execstack", &"--no-warn-rwx-segments", &"-e", &entry, &map, &"-o", &output];
    for script in scripts {
        arguments.extend([&"-T" as &dyn AsRef<OsStr>, script]);
    }
    arguments.extend(inputs.iter().map(|input| input as &dyn AsRef<OsStr>));
    tools::run("link", &tools::gnu("xtensa-lx106-elf-ld")?, &arguments)
}

/// The vendor's archives that the radio needs, without its lwIP.
const ARCHIVES: [&str; 7] = ["phy", "pp", "net80211", "wpa", "crypto", "main", "hal"];

/// The exception vectors, which nothing calls by name.
const VECTORS: [&str; 5] = [
    "_DebugExceptionVector",
    "_NMIExceptionVector",
    "_KernelExceptionVector",
    "_UserExceptionVector",
    "_DoubleExceptionVector",
];

/// Links the same program against the archives of the vendor's SDK in `sdk`, as `output`.
///
/// # Errors
/// If an archive is missing, the linker fails, or something would run without the flash cache that needs it.
pub fn vendor(sdk: &Path, steps: &Path, output: &Path) -> Result<(), Error> {
    let mut others = wanted(exports()?);
    others.extend(wanted(VECTORS));
    for name in ARCHIVES {
        let path = sdk.join("lib").join(format!("lib{name}.a"));
        if !path.is_file() {
            return Err(Error::Malformed {
                path: sdk.to_owned(),
                reason: format!("there is no lib/lib{name}.a in it; ESP8266_NONOS_SDK must name the NONOS SDK 3.0"),
            });
        }
        others.push(path.into_os_string());
    }
    ld_image(output, steps, "call_user_start", &others)?;
    let map = output.with_extension("map");
    let placed = fs::read_to_string(&map).map_err(Error::file(&map))?;
    let misplaced = unnamed_in_flash(&placed);
    if misplaced.is_empty() {
        return Ok(());
    }
    // An image that the radio's interrupt ends must not lie where one that runs is looked for.
    fs::remove_file(output).map_err(Error::file(output))?;
    Err(Error::Boundary(format!(
        "the vendor means for instruction memory what lies in flash of {}: its interrupts call it while the cache is off",
        misplaced.join(", ")
    )))
}

/// The members of the vendor's archives whose code without a section of its own lies in flash, by a link's map. The
/// vendor's linker scripts leave all such code in instruction memory.
fn unnamed_in_flash(map: &str) -> Vec<&str> {
    /// From where on addresses are the flash's.
    const FLASH: u64 = 0x4020_0000;
    let placed = map.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let number =
            |words: &mut std::str::SplitWhitespace<'_>| u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
        let is_unnamed = matches!(words.next()?, ".text" | ".literal");
        let (address, length, file) = (number(&mut words)?, number(&mut words)?, words.next()?);
        (is_unnamed && length > 0 && address >= FLASH).then_some(file)
    });
    let of_vendor = |file: &&str| ARCHIVES.iter().any(|name| file.contains(&format!("/lib{name}.a(")));
    placed.filter(of_vendor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustcs_command_line_is_understood() {
        let arguments = ["-Wl,--gc-sections", "a.o", "-L", "x", "b.rlib", "-o", "out/esp07", "-nodefaultlibs"];
        let inputs = Inputs::parse(&arguments.map(str::to_owned)).unwrap();
        assert_eq!(inputs.output, Path::new("out/esp07"));
        assert_eq!(inputs.objects, [Path::new("a.o")]);
        assert_eq!(inputs.archives, [Path::new("b.rlib")]);
        assert!(Inputs::parse(&["-o".to_owned()]).is_err());
    }

    #[test]
    fn what_the_vendor_means_for_instruction_memory_is_found_in_flash() {
        let map = " .text          0x40100010       0x10 /sdk/lib/libpp.a(wdev.o)\n \
                   .text          0x40277320      0x139 /gcc/libgcc.a(_divsf3.o)\n \
                   .text.ieee80211_add_rates\n                0x4027b000       0x20 /sdk/lib/libnet80211.a(output.o)\n \
                   .text          0x00000000        0x0 /sdk/lib/libwpa.a(wpa.o)\n \
                   .text          0x4027b6e4        0xc /sdk/lib/libnet80211.a(wl_chm.o)\n";
        assert_eq!(unnamed_in_flash(map), ["/sdk/lib/libnet80211.a(wl_chm.o)"]);
    }
}
