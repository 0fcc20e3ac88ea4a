//! The block executor against the interpreter: the same states at the same cycles, wherever a run is cut.

use esp8266::bus::{Bus, Context, NoAnswer, Width};
use esp8266::cpu::Interrupts;
use esp8266::image::{elf, flash::FLASH_SIZE};
use esp8266::memory::Memory;
use esp8266::{Core, Stop};

use super::answer_simcall;
use super::assembler::{Code, elf_file};
use super::generator::{CASES, Program, Purpose, Random, generate};

/// A device that notes every access with its cycle, answers with something that depends on it, and interrupts on its
/// own every now and then.
#[derive(Default)]
struct Device {
    log: Vec<(u64, u32, u32)>,
    next: u64,
    lines: u32,
    edges: u32,
}

impl Bus for Device {
    fn read(&mut self, address: u32, width: Width, context: &mut Context<'_>) -> Result<u32, NoAnswer> {
        self.log.push((context.cycle, address, width as u32));
        if address < 0x6000_0000 { Err(NoAnswer) } else { Ok((context.cycle as u32).wrapping_mul(0x9E37_79B9)) }
    }

    fn write(&mut self, address: u32, _: Width, value: u32, context: &mut Context<'_>) -> Result<(), NoAnswer> {
        self.log.push((context.cycle, address, value));
        self.lines = value & 0x3F;
        self.edges |= value & 0x100;
        if address < 0x6000_0000 { Err(NoAnswer) } else { Ok(()) }
    }

    fn interrupts(&mut self, _: u64) -> Interrupts {
        Interrupts { lines: self.lines, edges: std::mem::take(&mut self.edges), stop: false }
    }

    fn next_event(&self) -> u64 {
        self.next
    }

    fn advance(&mut self, cycle: u64, _: &mut Memory) {
        while self.next <= cycle {
            self.next += 100 + self.next % 997;
            self.lines ^= 0x11;
            self.edges |= if self.next.is_multiple_of(5) { 0x4200 } else { 0x200 };
        }
    }
}

fn core(elf: &[u8], in_ram: &[&Code]) -> Core<Device> {
    let program = elf::parse(elf).unwrap();
    let mut memory = Memory::new(&vec![0; FLASH_SIZE]);
    program.load(&mut memory);
    memory.map_flash(Some(0));
    for code in in_ram {
        assert!(memory.poke(code.start, &code.bytes));
    }
    let mut core = Core::new(memory, Device { next: 500, ..Device::default() });
    core.cpu.pc = program.entry;
    core.cpu.semihosting = true;
    core
}

/// Runs both to the same limits and compares after each leg.
fn run_both(blocks: &mut Core<Device>, interpreter: &mut Core<Device>, random: &mut Random, cycles: u64) {
    let mut outputs = [Vec::new(), Vec::new()];
    let end = blocks.cpu.cycles + cycles;
    while blocks.cpu.cycles < end {
        let leg = if random.one_in(3) { random.below(40) } else { random.below(3_000) };
        let limit = blocks.cpu.cycles + u64::from(leg);
        let stops = [blocks.run(limit), interpreter.run_interpreted(limit)];
        assert_eq!(stops[0], stops[1]);
        assert_eq!(blocks.cpu, interpreter.cpu);
        match stops[0] {
            Stop::Limit => {}
            Stop::Simcall => {
                let mut answers = outputs.iter_mut().zip([&mut *blocks, &mut *interpreter]);
                if answers.any(|(output, core)| answer_simcall(core, output).is_none()) {
                    break;
                }
            }
            // Gone astray, both in the same way.
            _ => break,
        }
    }
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(blocks.bus.log, interpreter.bus.log);
    for (start, size) in [(0x3FFE_8000, 0x1_8000), (0x4010_0000, 0x1_0000)] {
        assert!(blocks.memory.peek(start, size) == interpreter.memory.peek(start, size), "memory differs");
    }
}

fn elf_of(program: &Program) -> Vec<u8> {
    elf_file(program.entry, &[&program.harness, &program.cases])
}

#[test]
fn blocks_do_what_the_interpreter_does() {
    for seed in 1..=6 {
        let program = generate(seed, 1_500, Purpose::Twins);
        let elf = elf_of(&program);
        let (mut blocks, mut interpreter) = (core(&elf, &[]), core(&elf, &[]));
        run_both(&mut blocks, &mut interpreter, &mut Random::new(seed), 1_000_000);
        let log = blocks.bus.log.len();
        assert!(log > 50, "only {log} accesses to devices: the program has gone astray early");
    }
}

/// A loop that counts in a literal, and then in an instruction, of its own code.
#[test]
fn blocks_notice_that_their_code_changes() {
    let mut code = Code::new(0x4010_1000);
    code.word(7);
    code.word(0x4010_1000);
    let start = code.here();
    code.op("l32r", &[4, 0x4010_1004]);
    code.op("movi", &[6, 20]);
    let again = code.here();
    code.op("l32r", &[3, 0x4010_1000]);
    code.op("add", &[5, 5, 3]);
    code.op("addi", &[3, 3, 1]);
    code.op("s32i", &[3, 4, 0]);
    code.op("addi", &[6, 6, 0xFF]);
    let branch = code.here();
    code.op("bnez", &[6, branch + 4]);
    code.patch_target(branch, again);
    let end = code.here();
    code.op("j", &[end]);
    let elf = elf_file(start, &[&code]);
    let mut blocks = core(&elf, &[]);
    assert_eq!(blocks.run(400), Stop::Limit);
    // 7 + 8 + … + 26
    assert_eq!((blocks.cpu.a[5], blocks.cpu.pc), (330, end));
}

/// A loop that loads a literal before itself, and then, with the base of literals set, another with the same
/// instruction.
#[test]
fn blocks_notice_that_the_base_of_literals_changes() {
    let mut code = Code::new(0x4010_1000);
    code.word(1);
    // The base, which the literal that `l32r` means stands below, as far as 0x40101000 below the program counter.
    code.word(0x4010_3001);
    let start = code.here();
    code.op("movi", &[6, 3]);
    code.op("l32r", &[4, 0x4010_1004]);
    let again = code.here();
    code.op("l32r", &[3, 0x4010_1000]);
    code.op("add", &[5, 5, 3]);
    code.op("addi", &[6, 6, 0xFF]);
    code.op("wsr.litbase", &[4]);
    let branch = code.here();
    code.op("bnez", &[6, branch + 4]);
    code.patch_target(branch, again);
    let end = code.here();
    code.op("j", &[end]);
    // Where the same offset leads from the base.
    let offset = ((again + 3) & !3) - 0x4010_1000;
    let mut elsewhere = Code::new(0x4010_3000 - offset);
    elsewhere.word(100);
    let elf = elf_file(start, &[&code]);
    let (mut blocks, mut interpreter) = (core(&elf, &[&elsewhere]), core(&elf, &[&elsewhere]));
    assert_eq!((blocks.run(40), interpreter.run_interpreted(40)), (Stop::Limit, Stop::Limit));
    assert_eq!((blocks.cpu.a[5], blocks.cpu.pc), (201, end));
    assert_eq!(blocks.cpu, interpreter.cpu);
}

/// Random words as code in RAM, with stores into it: everything goes astray, and both go the same way.
#[test]
fn blocks_follow_programs_that_overwrite_themselves() {
    let harness = generate(1, 1, Purpose::Twins);
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let source = generate(seed, 12, Purpose::Twins);
        // The cases' instructions, moved to RAM and torn up a little.
        let mut code = Code::new(0x4010_2000);
        code.bytes.extend(&source.cases.bytes);
        for _ in 0..random.below(20) {
            let at = random.below(code.bytes.len() as u32) as usize;
            code.bytes[at] = random.word() as u8;
        }
        let elf = elf_of(&harness);
        let (mut blocks, mut interpreter) = (core(&elf, &[&code]), core(&elf, &[&code]));
        let first = source.ranges[random.below(12) as usize].0 - CASES + code.start;
        for core in [&mut blocks, &mut interpreter] {
            core.cpu.pc = first;
            core.cpu.ps = 0x20;
            for register in 0..16 {
                let near = Random::new(seed ^ register << 32).below(0x800) & !3;
                core.cpu.a[register as usize] = code.start + near;
            }
        }
        run_both(&mut blocks, &mut interpreter, &mut random, 3_000);
    }
}
