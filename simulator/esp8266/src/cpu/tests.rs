use super::*;
use crate::bus::NoDevices;
use crate::memory::Memory;
use crate::{Core, Stop};

const CODE: u32 = 0x4010_1000;
const VECBASE: u32 = 0x4010_0000;

const NOP: u32 = 0x0020F0;
const WAITI_0: u32 = 0x007000;
const J_SELF: u32 = 0xFFFF06;
const L8UI_A3_A2: u32 = 0x000232;
const L16UI_A3_A2: u32 = 0x001232;
const L32I_A3_A2: u32 = 0x002232;
const S8I_A3_A2: u32 = 0x004232;
const S32I_A3_A2: u32 = 0x006232;
const RSR_CCOUNT_A3: u32 = 0x03EA30;
const WSR_CCOMPARE0_A2: u32 = 0x13F020;
const WSR_INTSET_A2: u32 = 0x13E220;

/// A core in user mode that is about to run these 24-bit words; its vectors loop for ever.
fn core(words: &[u32]) -> Core<NoDevices> {
    let mut memory = Memory::new(&[]);
    for vector in [0x10, 0x20, 0x30, 0x50, 0x70] {
        memory.poke(VECBASE + vector, &J_SELF.to_le_bytes()[..3]);
    }
    let bytes: Vec<u8> = words.iter().chain([&J_SELF]).flat_map(|word| word.to_le_bytes()[..3].to_vec()).collect();
    memory.poke(CODE, &bytes);
    let mut core = Core::new(memory, NoDevices);
    core.cpu.pc = CODE;
    core.cpu.ps = ps::UM;
    core.cpu.vecbase = VECBASE;
    core
}

/// Runs for some cycles in both ways, and returns the state that both came to.
fn run(core: &Core<NoDevices>, prepare: impl Fn(&mut Cpu), cycles: u64) -> Cpu {
    let twin = || {
        let mut twin = Core::new(core.memory.clone(), NoDevices);
        twin.cpu = core.cpu.clone();
        prepare(&mut twin.cpu);
        twin
    };
    let (mut blocks, mut interpreter) = (twin(), twin());
    assert_eq!(blocks.run(cycles), Stop::Limit);
    assert_eq!(interpreter.run_interpreted(cycles), Stop::Limit);
    assert_eq!(blocks.cpu, interpreter.cpu);
    blocks.cpu
}

/// Runs one access through a2 and returns EXCCAUSE and EXCVADDR, or what a3 holds if there was no exception.
fn access(word: u32, address: u32) -> Result<u32, (u32, u32)> {
    let cpu = run(&core(&[word]), |cpu| cpu.a[2] = address, 3);
    if cpu.ps & ps::EXCM == 0 {
        return Ok(cpu.a[3]);
    }
    assert_eq!((cpu.pc, cpu.epc[0]), (VECBASE + 0x50, CODE));
    Err((cpu.exccause, cpu.excvaddr))
}

#[test]
fn instruction_memory_refuses_narrow_accesses() {
    let iram = CODE + 0x100;
    assert_eq!(access(L8UI_A3_A2, iram), Err((3, iram)));
    assert_eq!(access(L16UI_A3_A2, iram + 2), Err((3, iram + 2)));
    assert_eq!(access(S8I_A3_A2, iram), Err((3, iram)));
    assert_eq!(access(L32I_A3_A2, iram), Ok(0));
    assert_eq!(access(S32I_A3_A2, iram), Ok(0));
    assert_eq!(access(L8UI_A3_A2, 0x3FFE_8001), Ok(0));
    // Read-only, and the boot ROM too.
    assert_eq!(access(S32I_A3_A2, 0x4020_0000), Err((3, 0x4020_0000)));
    assert_eq!(access(L8UI_A3_A2, 0x4000_0001), Err((3, 0x4000_0001)));
}

#[test]
fn unaligned_accesses_come_before_anything_else() {
    assert_eq!(access(L32I_A3_A2, 0x3FFE_8002), Err((9, 0x3FFE_8002)));
    assert_eq!(access(L16UI_A3_A2, CODE + 1), Err((9, CODE + 1)));
}

#[test]
fn nothing_answers_outside_of_memory() {
    assert_eq!(access(L32I_A3_A2, 0x6000_0000), Err((15, 0x6000_0000)));
}

#[test]
fn regions_can_be_closed() {
    let mut closed = core(&[L32I_A3_A2]);
    closed.memory.set_region(0, false, 15);
    assert_eq!(run(&closed, |cpu| cpu.a[2] = 4, 3).exccause, 28);
    let mut closed = core(&[S32I_A3_A2]);
    closed.memory.set_region(1, false, 15);
    assert_eq!(run(&closed, |cpu| cpu.a[2] = 0x3FFE_8000, 3).exccause, 29);
    let mut closed = core(&[NOP]);
    closed.memory.set_region(0, true, 15);
    assert_eq!(run(&closed, |cpu| cpu.pc = 0, 3).exccause, 20);
}

#[test]
fn data_memory_holds_no_instructions() {
    let cpu = run(&core(&[]), |cpu| cpu.pc = 0x3FFE_8000, 3);
    assert_eq!((cpu.exccause, cpu.epc[0], cpu.excvaddr), (2, 0x3FFE_8000, 0x3FFE_8000));
}

#[test]
fn flash_without_its_cache_stops_the_run() {
    let mut flash = core(&[L32I_A3_A2]);
    flash.cpu.a[2] = 0x4020_0010;
    assert_eq!(flash.run(10), Stop::FlashOff(0x4020_0010));
    assert_eq!((flash.cpu.pc, flash.cpu.cycles), (CODE, 0));
    flash.cpu.pc = 0x4020_0000;
    assert_eq!(flash.run(10), Stop::FlashOff(0x4020_0000));
}

#[test]
fn exceptions_enter_where_the_mode_says() {
    let illegal = core(&[0]);
    let entered = |ps: u32| {
        let cpu = run(&illegal, |cpu| cpu.ps = ps, 1);
        (cpu.pc - VECBASE, cpu.epc[0], cpu.depc, cpu.ps)
    };
    assert_eq!(entered(ps::UM), (0x50, CODE, 0, ps::UM | ps::EXCM));
    assert_eq!(entered(0), (0x30, CODE, 0, ps::EXCM));
    assert_eq!(entered(ps::UM | ps::EXCM), (0x70, 0, CODE, ps::UM | ps::EXCM));
}

#[test]
fn simcall_is_an_instruction_only_for_the_host() {
    let mut simcall = core(&[0x005100]);
    assert_eq!(run(&simcall, |_| {}, 1).exccause, 0);
    simcall.cpu.semihosting = true;
    assert_eq!(simcall.run(10), Stop::Simcall);
    assert_eq!((simcall.cpu.pc, simcall.cpu.cycles), (CODE + 3, 1));
}

#[test]
fn the_timer_interrupts_at_its_cycle() {
    let timer = core(&[WSR_CCOMPARE0_A2]);
    let prepare = |cpu: &mut Cpu| {
        cpu.a[2] = 50;
        cpu.intenable = TIMER;
    };
    assert_eq!(run(&timer, prepare, 49).exccause, 0);
    let cpu = run(&timer, prepare, 50);
    assert_eq!((cpu.exccause, cpu.epc[0], cpu.pc), (4, CODE + 3, VECBASE + 0x50));
    assert_eq!(cpu.latched, TIMER);
    // Held back by level, and by INTENABLE.
    assert_eq!(
        run(
            &timer,
            |cpu| {
                prepare(cpu);
                cpu.ps |= 1;
            },
            90
        )
        .ps,
        ps::UM | 1
    );
    assert_eq!(run(&timer, |cpu| cpu.a[2] = 50, 90).ps, ps::UM);
}

#[test]
fn the_timer_interrupts_when_ccount_has_come_round() {
    let timer = core(&[WSR_CCOMPARE0_A2]);
    let prepare = |cpu: &mut Cpu| {
        cpu.a[2] = 0x10;
        cpu.intenable = TIMER;
        cpu.write_special(special::CCOUNT, 0xFFFF_FFF0).unwrap();
    };
    assert_eq!(run(&timer, prepare, 31).exccause, 0);
    assert_eq!(run(&timer, prepare, 32).exccause, 4);
    // At the count that it is set at it interrupts once around.
    let waiting = core(&[WSR_CCOMPARE0_A2, WAITI_0]);
    let passed = |cpu: &mut Cpu| {
        prepare(cpu);
        cpu.a[2] = 0xFFFF_FFF0;
    };
    assert!(run(&waiting, passed, (1 << 32) - 1).waiting);
    assert_eq!(run(&waiting, passed, 1 << 32).exccause, 4);
}

#[test]
fn waiting_jumps_to_what_ends_it() {
    let waiting = core(&[WSR_CCOMPARE0_A2, WAITI_0, NOP]);
    let prepare = |cpu: &mut Cpu| {
        cpu.a[2] = 1_000_000_000;
        cpu.intenable = TIMER;
    };
    let cpu = run(&waiting, prepare, 999_999_999);
    assert!(cpu.waiting);
    let cpu = run(&waiting, prepare, 1_000_000_000);
    assert_eq!((cpu.waiting, cpu.epc[0], cpu.exccause), (false, CODE + 6, 4));
    // Nothing is enabled: it waits for ever, in no time.
    assert!(run(&waiting, |_| {}, 100_000_000_000).waiting);
}

#[test]
fn software_interrupts_come_before_the_next_instruction() {
    let software = core(&[WSR_INTSET_A2, NOP]);
    let cpu = run(
        &software,
        |cpu| {
            cpu.a[2] = u32::MAX;
            cpu.intenable = u32::MAX;
        },
        2,
    );
    assert_eq!((cpu.latched, cpu.epc[0], cpu.exccause), (SOFTWARE, CODE + 3, 4));
}

#[test]
fn nothing_holds_back_the_nmi() {
    let busy = core(&[NOP]);
    let cpu = run(
        &busy,
        |cpu| {
            cpu.ps = ps::UM | ps::EXCM | 3;
            cpu.latched = NMI;
        },
        1,
    );
    assert_eq!((cpu.pc, cpu.epc[2], cpu.eps[1]), (VECBASE + 0x20, CODE, ps::UM | ps::EXCM | 3));
    assert_eq!((cpu.ps, cpu.latched), (ps::UM | ps::EXCM | 3, 0));
}

#[test]
fn ccount_counts_instructions() {
    let counter = core(&[NOP, NOP, RSR_CCOUNT_A3]);
    assert_eq!(run(&counter, |cpu| cpu.write_special(special::CCOUNT, 1_000).unwrap(), 10).a[3], 1_002);
}

#[test]
fn debug_events_enter_the_debug_vector() {
    let entered = |prepare: &dyn Fn(&mut Cpu), words: &[u32]| {
        let cpu = run(&core(words), prepare, 4);
        (cpu.pc - VECBASE, cpu.debug.cause, cpu.epc[1] - CODE, cpu.ps)
    };
    let in_debug = ps::UM | ps::EXCM | 2;
    let breakpoint = |cpu: &mut Cpu| {
        cpu.debug.ibreaka = CODE + 3;
        cpu.debug.ibreakenable = 1;
    };
    assert_eq!(entered(&breakpoint, &[NOP, NOP]), (0x10, 2, 3, in_debug));
    let watchpoint = |cpu: &mut Cpu| {
        cpu.a[2] = 0x3FFE_8010;
        cpu.debug.dbreaka = 0x3FFE_8010;
        cpu.debug.dbreakc = 1 << 31 | 0x3F;
    };
    assert_eq!(entered(&watchpoint, &[L32I_A3_A2, S32I_A3_A2]), (0x10, 4, 3, in_debug));
    let step = |cpu: &mut Cpu| {
        cpu.debug.icount = u32::MAX - 1;
        cpu.debug.icountlevel = 1;
    };
    assert_eq!(entered(&step, &[NOP, NOP]), (0x10, 1, 3, in_debug));
    assert_eq!(entered(&|_| {}, &[0x004000]), (0x10, 8, 0, in_debug));
    // At debug level a break does nothing.
    let cpu = run(&core(&[0x004000]), |cpu| cpu.ps = ps::UM | 2, 4);
    assert_eq!(cpu.pc, CODE + 3);
}
