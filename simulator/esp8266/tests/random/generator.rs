//! Writes the random programs.

use esp8266::cpu::special;
use esp8266::isa::table::ENTRIES;
use esp8266::isa::{Opcode, Operand, decode};

use super::assembler::Code;

/// Where a case leaves what it came to: registers, special registers, then memory that it may use.
pub const RECORD: u32 = 0x3FFE_8000;
/// Memory that cases load from and store to; the first part of it is written out.
pub const SCRATCH: u32 = RECORD + 0x80;
/// Bytes that are written out for each case.
pub const RECORD_SIZE: u32 = 0x180;
/// Holds the address of the next case.
const NEXT: u32 = 0x3FFE_8800;
/// Vectors and the routine that writes the record out.
const HARNESS: u32 = 0x4010_0000;
const VECBASE: u32 = HARNESS + 0x100;
/// Cases start here.
pub const CASES: u32 = 0x4020_0000;
/// And end before here.
const CASES_END: u32 = 0x402F_0000;

/// Special registers in a record, after a0 to a15.
pub const RECORDED: [(&str, u32); 14] = [
    ("sar", special::SAR),
    ("ps", special::PS),
    ("epc1", special::EPC1),
    ("exccause", special::EXCCAUSE),
    ("excvaddr", special::EXCVADDR),
    ("depc", special::DEPC),
    ("excsave1", special::EXCSAVE1),
    ("epc2", special::EPC2),
    ("eps2", special::EPS2),
    ("epc3", special::EPC3),
    ("eps3", special::EPS3),
    ("debugcause", special::DEBUGCAUSE),
    ("litbase", special::LITBASE),
    ("icountlevel", special::ICOUNTLEVEL),
];

/// Small generator with a long period (SplitMix64): the programs must be the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub fn word(&mut self) -> u32 {
        self.bits() as u32
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        (self.bits() % u64::from(end)) as u32
    }

    pub fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }

    /// A register's value: often one at an edge.
    pub fn operand(&mut self) -> u32 {
        const EDGES: [u32; 16] = [
            0,
            1,
            2,
            3,
            31,
            32,
            33,
            0x7FFF,
            0x8000,
            0xFFFF,
            0x1_0000,
            0x7FFF_FFFF,
            0x8000_0000,
            0x8000_0001,
            0xFFFF_FFFE,
            0xFFFF_FFFF,
        ];
        match self.below(4) {
            0 => EDGES[self.below(16) as usize],
            1 => self.below(70),
            2 => 1 << self.below(32),
            _ => self.word(),
        }
    }
}

/// What a program is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To compare with QEMU: nothing that depends on how fast it runs, and only the memory that both have.
    Qemu,
    /// To compare two executors of ours: also the cycle counter, the timer, waiting and devices.
    Twins,
}

/// A program of many cases.
pub struct Program {
    pub harness: Code,
    pub cases: Code,
    /// First and last address of each case's instructions.
    pub ranges: Vec<(u32, u32)>,
    pub entry: u32,
}

/// Devices of the twin test are here.
pub const DEVICES: u32 = 0x6000_0000;

/// Writes as many of `count` cases as fit.
pub fn generate(seed: u64, count: usize, purpose: Purpose) -> Program {
    let mut random = Random::new(seed);
    let (harness, save, exit, entry) = harness();
    let mut cases = Code::new(CASES);
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    // The first case follows the code that links it: each case's first literal is the address of the next case.
    let mut links = Vec::new();
    while ranges.len() < count && cases.here() < CASES_END {
        cases.align();
        links.push(cases.here());
        let range = Case { random: &mut random, purpose, save }.write(&mut cases);
        ranges.push(range);
    }
    for (index, link) in links.iter().enumerate() {
        let next = ranges.get(index + 1).map_or(exit, |range| range.0);
        let at = (link - CASES) as usize;
        cases.bytes[at..at + 4].copy_from_slice(&next.to_le_bytes());
    }
    Program { harness, cases, ranges, entry }
}

/// Vectors and the save routine. Returns the code, the routine's address, where the program exits and where it starts.
fn harness() -> (Code, u32, u32, u32) {
    let mut code = Code::new(HARNESS);
    let literals = [RECORD, NEXT, VECBASE, CASES + 4 * POOL_WORDS];
    let save = HARNESS + 0x200;
    code.word(save);
    for literal in literals {
        code.word(literal);
    }
    let [record, next, vecbase, first] = [HARNESS + 4, HARNESS + 8, HARNESS + 12, HARNESS + 16];
    for vector in [0x10, 0x20, 0x30, 0x50, 0x70] {
        code.bytes.resize((VECBASE - HARNESS + vector) as usize, 0);
        code.op("wsr.excsave2", &[0]);
        code.op("l32r", &[0, HARNESS]);
        code.op("jx", &[0]);
    }
    code.bytes.resize((save - HARNESS) as usize, 0);
    code.op("l32r", &[0, record]);
    for register in 1..16 {
        code.op("s32i", &[register, 0, 4 * register]);
    }
    code.op("rsr.excsave2", &[2]);
    code.op("s32i", &[2, 0, 0]);
    for (index, (name, _)) in RECORDED.iter().enumerate() {
        code.op(&format!("rsr.{name}"), &[2]);
        code.op("s32i", &[2, 0, 64 + 4 * index as u32]);
    }
    code.op("movi", &[2, 0]);
    for name in ["intenable", "icountlevel", "ibreakenable", "dbreakc0", "litbase", "depc", "exccause", "excvaddr"] {
        code.op(&format!("wsr.{name}"), &[2]);
    }
    code.op("movi", &[3, u32::MAX]);
    code.op("wsr.intclear", &[3]);
    // The timer is as far away as it can be.
    code.op("rsr.ccount", &[3]);
    code.op("wsr.ccompare0", &[3]);
    code.op("l32r", &[3, vecbase]);
    code.op("wsr.vecbase", &[3]);
    code.op("movi", &[2, 4]);
    code.op("movi", &[3, 1]);
    code.op("l32r", &[4, record]);
    code.op("movi", &[5, RECORD_SIZE]);
    code.op("simcall", &[]);
    code.op("l32r", &[3, next]);
    code.op("l32i", &[3, 3, 0]);
    code.op("jx", &[3]);
    code.align();
    let exit = code.here();
    code.op("movi", &[2, 1]);
    code.op("movi", &[3, 0]);
    code.op("simcall", &[]);
    let entry = code.here();
    code.op("l32r", &[3, vecbase]);
    code.op("wsr.vecbase", &[3]);
    code.op("l32r", &[3, first]);
    code.op("jx", &[3]);
    code.align();
    (code, save, exit, entry)
}

/// What programs consist of, and what the block executor joins into pairs.
const COMMON: [&str; 18] = [
    "add.n", "addi", "addi.n", "or", "mov.n", "movi", "extui", "slli", "mull", "l8ui", "l32i", "l32i.n", "s8i", "s32i",
    "bltu", "bne", "beqz", "bnez.n",
];

struct Case<'a> {
    random: &'a mut Random,
    purpose: Purpose,
    save: u32,
}

/// How a case is under way.
struct Body {
    code: Code,
    /// Registers that still point into the scratch memory, or to devices.
    pointers: Vec<u32>,
    /// Where the free words of the literal pool are.
    pool: std::ops::Range<u32>,
    literals: Vec<(u32, u32)>,
    /// Instructions whose target is still to be chosen.
    branches: Vec<u32>,
    /// Literals that are to hold an address behind an instruction of this case.
    addresses: Vec<(u32, u32)>,
    starts: Vec<u32>,
}

const POOL_WORDS: u32 = 48;

impl Case<'_> {
    /// Appends the case, literals first; returns where its code is. The first literal is left for the link.
    fn write(mut self, cases: &mut Code) -> (u32, u32) {
        let pool = cases.here();
        let start = pool + 4 * POOL_WORDS;
        let mut body = Body {
            code: Code::new(start),
            pointers: Vec::new(),
            pool: pool + 4..start,
            literals: Vec::new(),
            branches: Vec::new(),
            addresses: Vec::new(),
            starts: Vec::new(),
        };
        self.prologue(&mut body, pool);
        for _ in 0..=self.random.below(9) {
            body.starts.push(body.code.here());
            self.instruction(&mut body);
        }
        let end = body.code.here();
        body.starts.push(end);
        body.code.op("wsr.excsave2", &[0]);
        let save = body.literal(self.save);
        body.code.op("l32r", &[0, save]);
        body.code.op("jx", &[0]);
        let last = body.code.here();
        self.choose_targets(&mut body);
        cases.bytes.resize((start - CASES) as usize, 0);
        for (address, value) in &body.literals {
            let at = (address - CASES) as usize;
            cases.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        cases.bytes.extend(&body.code.bytes);
        (start, last)
    }

    fn prologue(&mut self, body: &mut Body, link: u32) {
        body.code.op("l32r", &[0, link]);
        let next = body.literal(NEXT);
        body.code.op("l32r", &[1, next]);
        body.code.op("s32i", &[0, 1, 0]);
        // User mode or kernel mode, now and then in an exception or with interrupts held back.
        let ps = [0x20, 0x20, 0x20, 0x00, 0x30, 0x21, 0x22, 0x23, 0x30][self.random.below(9) as usize];
        for (name, value) in [
            ("ps", ps),
            ("sar", self.random.below(64)),
            ("epc1", self.random.operand()),
            ("excsave1", self.random.operand()),
            ("epc2", self.random.operand()),
            ("eps2", 0x20),
        ] {
            body.load(0, value);
            body.code.op(&format!("wsr.{name}"), &[0]);
        }
        for register in 0..16 {
            let pointer = self.random.one_in(4);
            let value = if pointer {
                body.pointers.push(register);
                // Mostly aligned.
                let offset = if self.random.one_in(6) { self.random.below(32) } else { self.random.below(8) * 4 };
                let devices = self.purpose == Purpose::Twins && self.random.one_in(4);
                if devices { DEVICES + offset } else { SCRATCH + offset }
            } else {
                self.random.operand()
            };
            body.load(register, value);
        }
    }

    /// Appends one random instruction, with what it needs before it.
    fn instruction(&mut self, body: &mut Body) {
        if self.random.one_in(60) {
            return self.no_instruction(body);
        }
        let mut entry = &ENTRIES[self.random.below(ENTRIES.len() as u32) as usize];
        if matches!(entry.opcode, Opcode::Rsr | Opcode::Wsr | Opcode::Xsr) {
            // Half of the table is special registers; most programs are not.
            entry = &ENTRIES[self.random.below(ENTRIES.len() as u32) as usize];
        }
        if self.random.one_in(3) {
            entry = super::assembler::entry(COMMON[self.random.below(COMMON.len() as u32) as usize]);
        }
        let random_fields = self.random.word() & !entry.mask & if entry.length == 2 { 0xFFFF } else { 0xFF_FFFF };
        let mut word = entry.bits | random_fields;
        let has_target = entry.operands.last().is_some_and(|operand| {
            matches!(operand, Operand::Branch6 | Operand::Branch8 | Operand::Branch12 | Operand::Jump | Operand::Call)
        });
        let number = |operand| match entry.operands.iter().position(|&other| other == operand) {
            Some(index) => decode(word, 0).expect("the word is of its entry").operands[index],
            None => 0,
        };
        let register = number(Operand::T);
        let special = number(Operand::Special);
        let twins = self.purpose == Purpose::Twins;
        // Registers of time; and the data breakpoint, which random addresses would not hit: it has a test of its own.
        let timed = [special::CCOUNT, special::CCOMPARE0, special::DBREAKA0, special::DBREAKC0];
        match entry.opcode {
            _ if has_target => body.branches.push(body.code.here()),
            Opcode::L8ui | Opcode::L16ui | Opcode::L16si | Opcode::L32i | Opcode::S8i | Opcode::S16i | Opcode::S32i => {
                if body.pointers.is_empty() {
                    return;
                }
                let pointer = body.pointers[self.random.below(body.pointers.len() as u32) as usize];
                word = word & !0xF00 | pointer << 8;
            }
            Opcode::L32r => {
                let value = self.random.operand();
                body.forget(register);
                return body.load(register, value);
            }
            Opcode::Jx | Opcode::Callx0 => {
                let target = number(Operand::S);
                body.load_address(target);
            }
            Opcode::Ret => body.load_address(0),
            Opcode::Rfe | Opcode::Rfde => {
                let scratch = self.random.below(16);
                body.load_address(scratch);
                body.code.op(if entry.opcode == Opcode::Rfe { "wsr.epc1" } else { "wsr.depc" }, &[scratch]);
            }
            Opcode::Rfi => {
                let level = 2 + self.random.below(2);
                let scratch = self.random.below(16);
                body.load_address(scratch);
                body.code.op(if level == 2 { "wsr.epc2" } else { "wsr.epc3" }, &[scratch]);
                let ps = self.random.below(2) * 0x10 + self.random.below(2) * 0x20 + self.random.below(4);
                body.forget(scratch);
                body.load(scratch, ps);
                body.code.op(if level == 2 { "wsr.eps2" } else { "wsr.eps3" }, &[scratch]);
                word = word & !0xF00 | level << 8;
            }
            Opcode::Wdtlb | Opcode::Witlb => {
                // Regions that the harness does not live in.
                let index = number(Operand::S);
                let region = 4 + self.random.below(4);
                body.forget(index);
                body.load(index, region << 29 | self.random.below(1 << 29));
            }
            Opcode::Simcall => return,
            // QEMU's table gives them no operands, and it takes whatever was there.
            Opcode::Rer | Opcode::Wer if !twins => return,
            Opcode::Waiti if !twins => return,
            Opcode::Waiti => {
                // The timer ends it.
                let scratch = self.random.below(16);
                body.forget(scratch);
                body.load(scratch, 0x20);
                body.code.op("wsr.ps", &[scratch]);
                body.code.op("rsr.ccount", &[scratch]);
                body.code.op("addi", &[scratch, scratch, 5 + self.random.below(90)]);
                body.code.op("wsr.ccompare0", &[scratch]);
                body.load(scratch, 0x40);
                body.code.op("wsr.intenable", &[scratch]);
                word &= !0xF00;
            }
            Opcode::Wsr | Opcode::Xsr if special == special::VECBASE => return,
            Opcode::Wsr | Opcode::Xsr if special == special::LITBASE => return self.literal_from_base(body),
            // The core's table has these writes, so silicon decodes them; QEMU takes them for illegal.
            Opcode::Wsr | Opcode::Xsr
                if matches!(special, special::CONFIGID0 | special::DEBUGCAUSE | special::MMID) && !twins =>
            {
                return;
            }
            Opcode::Rsr if matches!(special, special::CCOUNT | special::INTERRUPT) && !twins => return,
            Opcode::Rsr | Opcode::Wsr | Opcode::Xsr if timed.contains(&special) && !twins => return,
            _ => {}
        }
        body.code.raw(word, entry.length);
        if matches!(entry.opcode, Opcode::Ssl | Opcode::Ssa8b) {
            // QEMU shifts by a host instruction when it sees both in one block, which is wrong for 32 bits.
            let next = body.code.here() + 3;
            body.code.op("j", &[next]);
        }
        for operand in entry.operands {
            if let Operand::R | Operand::S | Operand::T = operand {
                // Sources are forgotten with the destination; a pointer more or less does not matter.
                if !matches!(entry.opcode, Opcode::S8i | Opcode::S16i | Opcode::S32i) {
                    body.forget(decode(word, 0).map_or(0, |i| i.operands[0]));
                }
            }
        }
        if matches!(entry.opcode, Opcode::Call0 | Opcode::Callx0) {
            body.forget(0);
        }
    }

    /// Appends the use of LITBASE: the literals of the harness are not where it says, so it is off again afterwards.
    fn literal_from_base(&mut self, body: &mut Body) {
        let (base, loaded) = (self.random.below(16), self.random.below(16));
        body.forget(base);
        body.forget(loaded);
        // The highest literal stands four bytes below the base.
        body.load(base, ((SCRATCH + 0x1000) & !0xFFF) | self.random.below(0x800) << 1 | 1);
        body.code.op("wsr.litbase", &[base]);
        let from_end = 0x1000 - (SCRATCH & 0xFFF) - 4 * self.random.below(64);
        let entry = super::assembler::entry("l32r");
        body.code.raw(entry.bits | loaded << 4 | (0x1_0000 - from_end / 4) << 8, 3);
        body.code.op("rsr.litbase", &[base]);
        body.code.op("movi", &[base, 0]);
        body.code.op("xsr.litbase", &[base]);
    }

    /// Appends a word that is no instruction.
    fn no_instruction(&mut self, body: &mut Body) {
        loop {
            let word = self.random.word() & 0xFF_FFFF;
            if decode(word, 0).is_none() {
                return body.code.raw(word, 3);
            }
        }
    }

    /// Lets branches and loaded addresses lead to instructions behind them.
    fn choose_targets(&mut self, body: &mut Body) {
        for at in std::mem::take(&mut body.branches) {
            let index = (at - body.code.start) as usize;
            let is_call = body.code.bytes[index] & 0x3F == 5;
            let reachable: Vec<u32> = (body.starts.iter().copied())
                .filter(|&start| start > at + 3 && start < at + 64 && (!is_call || start % 4 == 0))
                .collect();
            if !reachable.is_empty() {
                let target = reachable[self.random.below(reachable.len() as u32) as usize];
                body.code.patch_target(at, target);
            } else if body.code.bytes[index] & 8 == 0 {
                body.code.bytes[index..index + 3].copy_from_slice(&[0xF0, 0x20, 0x00]);
            } else {
                body.code.bytes[index..index + 2].copy_from_slice(&[0x3D, 0xF0]);
            }
        }
        for (literal, at) in std::mem::take(&mut body.addresses) {
            let behind: Vec<u32> = body.starts.iter().copied().filter(|&start| start > at).collect();
            let end = *body.starts.last().expect("a case has an end");
            let target = if behind.is_empty() { end } else { behind[self.random.below(behind.len() as u32) as usize] };
            body.literals.push((literal, target));
        }
    }
}

impl Body {
    /// The address of a literal with this value.
    fn literal(&mut self, value: u32) -> u32 {
        let address = self.pool.next().expect("the pool is large enough");
        self.pool.start = address + 4;
        self.literals.push((address, value));
        address
    }

    fn load(&mut self, register: u32, value: u32) {
        let literal = self.literal(value);
        self.code.op("l32r", &[register, literal]);
    }

    /// Loads the address of some later instruction of this case, at least three instructions behind.
    fn load_address(&mut self, register: u32) {
        let literal = self.literal(0);
        self.literals.pop();
        self.forget(register);
        self.code.op("l32r", &[register, literal]);
        self.addresses.push((literal, self.code.here() + 15));
    }

    fn forget(&mut self, register: u32) {
        self.pointers.retain(|&pointer| pointer != register);
    }
}
