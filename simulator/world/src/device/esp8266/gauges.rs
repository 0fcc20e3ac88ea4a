//! How much of a program's memory is free, as far as its symbols say where that stands.
//!
//! Of a heap nothing is known but what its allocator counts itself, in words whose addresses the ELF file tells
//! ([`HEAPS`]). Of a stack that begins as zeros, what was never stored in is free: the zeros at its lower end, so that
//! what was stored there as zeros passes for free, too. Looking takes no time of the chip's and changes nothing in it.
//!
//! Not known: allocators that do not count or of which it is not known where, such as `umm_malloc`, whose layout the
//! build decides on; anything of an image without its ELF file; the SDK's heap where the SDK is answered at function
//! level.

use std::ops::Range;
use std::time::Duration;

use esp8266::bus::Width;
use esp8266::image::Program;
use esp8266::memory::Memory;
use simulator_record::events::{self, MemoryKind};
use simulator_record::time::Instant;

use super::symbols::{FIRMWARE_STACK, Symbols};
use crate::device::Port;
use crate::device::port::Output;

/// How often the memories are looked at, and how long after a start for the first time: until then the counters may be
/// those of the start before.
const PERIOD: Duration = Duration::from_secs(1);
/// How long a change that is no new least is not told behind what was told last.
const QUIET: Duration = Duration::from_secs(60);
/// No heap of this chip is larger: a count above it is none.
const LARGEST: u32 = 128 * 1_024;

/// Allocators that count what is free: the heap that they manage, and where the count and its least value stand.
const HEAPS: &[(MemoryKind, Place, Place)] = &[
    // The yellow duck's own: `firmware/esp07/src/heap.rs`.
    (MemoryKind::Heap, Place::Object("firmware_heap_free"), Place::Object("firmware_heap_least")),
    // ESP8266 NONOS SDK: its allocator's functions return words that have no symbols.
    (MemoryKind::SdkHeap, Place::Getter("xPortGetFreeHeapSize"), Place::Getter("xPortGetMinimumEverFreeHeapSize")),
    // FreeRTOS, `heap_4.c` and `heap_5.c`.
    (MemoryKind::SdkHeap, Place::Object("xFreeBytesRemaining"), Place::Object("xMinimumEverFreeBytesRemaining")),
];

/// Where a count stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the object of this name.
    Object(&'static str),
    /// In the word that the function of this name returns, if that is all it does.
    Getter(&'static str),
}

/// The memories of one start of a program.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    gauges: Vec<Gauge>,
    /// When to look next.
    next: Instant,
}

#[derive(Debug)]
struct Gauge {
    which: MemoryKind,
    source: Source,
    told: Option<(Instant, events::Memory)>,
}

#[derive(Clone, Debug)]
enum Source {
    /// Addresses of counters.
    Counters { free: u32, least: Option<u32> },
    /// A stack, and from where on it is known to have been used.
    Zeros { stack: Range<u32>, used: u32 },
}

impl Gauges {
    /// What is known of a program that starts at `at`.
    pub(super) fn new(symbols: &Symbols, at: Instant) -> Self {
        let mut gauges: Vec<Gauge> = Vec::new();
        let Some(program) = symbols.program() else { return Self::default() };
        for (which, free, least) in HEAPS {
            if gauges.iter().all(|gauge| gauge.which != *which)
                && let Some(free) = free.address(program)
            {
                let source = Source::Counters { free, least: least.address(program) };
                gauges.push(Gauge { which: *which, source, told: None });
            }
        }
        if let Some(stack) = object(program, FIRMWARE_STACK).filter(|stack| !stack.is_empty()) {
            let source = Source::Zeros { used: stack.end, stack };
            gauges.push(Gauge { which: MemoryKind::Stack, source, told: None });
        }
        Self { gauges, next: at + PERIOD }
    }

    /// Looks at the memories if it is time to, and tells of them.
    pub(super) fn tell(&mut self, memory: &Memory, now: Instant, port: &Port) {
        for told in self.look(memory, now) {
            port.put(now, Output::Event(told.into()));
        }
    }

    /// What is to be told of the memories, if it is time to look at them.
    fn look(&mut self, memory: &Memory, now: Instant) -> Vec<events::Memory> {
        if now < self.next || self.gauges.is_empty() {
            return Vec::new();
        }
        self.next = now + PERIOD;
        self.gauges.iter_mut().filter_map(|gauge| gauge.look(memory, now)).collect()
    }
}

impl Gauge {
    fn look(&mut self, memory: &Memory, now: Instant) -> Option<events::Memory> {
        let (free, least) = self.source.read(memory)?;
        if self.told.is_none() && free == 0 && matches!(self.source, Source::Counters { .. }) {
            // Nobody has counted yet.
            return None;
        }
        let before = self.told.as_ref();
        let least = least.unwrap_or_else(|| before.map_or(free, |(_, told)| told.least.min(free)));
        let is_told = match before {
            None => true,
            Some((at, told)) => least < told.least || free != told.free && now.saturating_since(*at) >= QUIET,
        };
        let event = events::Memory { which: self.which, free, least };
        is_told.then(|| self.told.insert((now, event)).1.clone())
    }
}

impl Source {
    /// What is free, and the least that was.
    fn read(&mut self, memory: &Memory) -> Option<(u32, Option<u32>)> {
        let word = |address: u32| memory.load(address, Width::Word).ok().filter(|count| *count <= LARGEST);
        match self {
            Self::Counters { free, least } => Some((word(*free)?, least.and_then(word))),
            Self::Zeros { stack, used } => {
                let is_used = |address: &u32| memory.load(*address, Width::Word).is_ok_and(|word| word != 0);
                *used = (stack.start..*used).step_by(4).find(is_used).unwrap_or(*used);
                // Nobody has called anything on it yet.
                (*used < stack.end).then_some((*used - stack.start, None))
            }
        }
    }
}

impl Place {
    fn address(self, program: &Program) -> Option<u32> {
        match self {
            Self::Object(name) => object(program, name).map(|object| object.start),
            Self::Getter(name) => returned(program, object(program, name)?.start),
        }
    }
}

fn object(program: &Program, name: &str) -> Option<Range<u32>> {
    let (start, size, _) = program.symbols.iter().find(|(_, _, of)| of == name)?;
    Some(*start..start.saturating_add(*size))
}

/// The address of the word that the function at `function` returns, if it is `l32r a2`, `l32i.n a2, a2`, `ret.n`.
fn returned(program: &Program, function: u32) -> Option<u32> {
    let [0x21, low, high, 0x28, offset, 0x0D, 0xF0] = bytes(program, function)? else { return None };
    if offset & 0xF != 2 {
        return None;
    }
    // Words before the function, counted down from 0 (Xtensa ISA, L32R).
    let back = u32::from(u16::from_le_bytes([low, high])) | 0xFFFF_0000;
    let literal = (function.wrapping_add(3) & !3).wrapping_add(back << 2);
    Some(u32::from_le_bytes(bytes(program, literal)?).wrapping_add(u32::from(offset >> 4) * 4))
}

/// Bytes of a program as it is linked.
fn bytes<const N: usize>(program: &Program, address: u32) -> Option<[u8; N]> {
    program.segments.iter().find_map(|segment| {
        let at = address.checked_sub(segment.address)? as usize;
        segment.bytes.get(at..at.checked_add(N)?)?.try_into().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use esp8266::image::Segment;

    const CODE: u32 = 0x4020_0000;
    const DATA: u32 = 0x3FFE_9000;

    fn program(names: &[(u32, u32, &str)], code: &[u8]) -> Symbols {
        let symbols = names.iter().map(|(address, size, name)| (*address, *size, (*name).to_owned())).collect();
        let segments = vec![Segment { address: CODE, bytes: code.to_vec() }];
        Symbols::new(Some(Program { entry: CODE, segments, symbols }), None)
    }

    fn memory(words: &[(u32, u32)]) -> Memory {
        let mut memory = Memory::new(&[]);
        set(&mut memory, words);
        memory
    }

    fn set(memory: &mut Memory, words: &[(u32, u32)]) {
        words.iter().for_each(|(address, word)| assert!(memory.poke(*address, &word.to_le_bytes())));
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    fn told(which: MemoryKind, free: u32, least: u32) -> events::Memory {
        events::Memory { which, free, least }
    }

    #[test]
    fn a_new_least_is_told_at_once_and_other_changes_once_a_minute() {
        let symbols = program(&[(DATA, 4, "xFreeBytesRemaining")], &[]);
        let mut gauges = Gauges::new(&symbols, at(0));
        let mut memory = memory(&[(DATA, 9_000)]);
        let heap = |free, least| vec![told(MemoryKind::SdkHeap, free, least)];
        assert_eq!(gauges.look(&memory, Instant::from_millis(999)), []);
        assert_eq!(gauges.look(&memory, at(1)), heap(9_000, 9_000));
        assert_eq!(gauges.look(&memory, at(100)), []);
        set(&mut memory, &[(DATA, 8_000)]);
        assert_eq!(gauges.look(&memory, at(101)), heap(8_000, 8_000));
        set(&mut memory, &[(DATA, 9_000)]);
        assert_eq!(gauges.look(&memory, at(102)), []);
        assert_eq!(gauges.look(&memory, at(161)), heap(9_000, 8_000));
    }

    #[test]
    fn an_allocators_own_least_is_taken() {
        let names = [(DATA, 4, "firmware_heap_free"), (DATA + 4, 4, "firmware_heap_least")];
        let mut gauges = Gauges::new(&program(&names, &[]), at(0));
        let memory = memory(&[(DATA, 9_000), (DATA + 4, 7_000)]);
        assert_eq!(gauges.look(&memory, at(1)), [told(MemoryKind::Heap, 9_000, 7_000)]);
    }

    #[test]
    fn nothing_free_is_told_of_a_heap_that_had_something() {
        let symbols = program(&[(DATA, 4, "firmware_heap_free")], &[]);
        let mut gauges = Gauges::new(&symbols, at(0));
        assert_eq!(gauges.look(&memory(&[(DATA, 0)]), at(1)), []);
        assert_eq!(gauges.look(&memory(&[(DATA, u32::MAX)]), at(2)), []);
        assert_eq!(gauges.look(&memory(&[(DATA, 40)]), at(3)), [told(MemoryKind::Heap, 40, 40)]);
        assert_eq!(gauges.look(&memory(&[(DATA, 0)]), at(4)), [told(MemoryKind::Heap, 0, 0)]);
    }

    #[test]
    fn a_function_that_returns_a_count_tells_where_it_stands() {
        // l32r a2, the word before it; l32i.n a2, a2, 8; ret.n
        let getter = |code: &[u8]| {
            let code: Vec<u8> = (DATA - 8).to_le_bytes().into_iter().chain(code.iter().copied()).collect();
            let symbols = program(&[(CODE + 4, 7, "xPortGetFreeHeapSize")], &code);
            Gauges::new(&symbols, at(0)).look(&memory(&[(DATA, 9_000)]), at(1))
        };
        let code = [0x21, 0xFF, 0xFF, 0x28, 0x22, 0x0D, 0xF0];
        assert_eq!(getter(&code), [told(MemoryKind::SdkHeap, 9_000, 9_000)]);
        // One that does more than this is not understood.
        for place in [0, 3, 4, 5, 6] {
            let mut other = code;
            other[place] ^= 0x11;
            assert_eq!(getter(&other), [], "{place}");
        }
        assert_eq!(getter(&code[..6]), []);
    }

    #[test]
    fn of_a_stack_what_was_never_stored_in_is_free() {
        let mut gauges = Gauges::new(&program(&[(DATA, 64, FIRMWARE_STACK)], &[]), at(0));
        let mut memory = memory(&[]);
        assert_eq!(gauges.look(&memory, at(1)), []);
        set(&mut memory, &[(DATA + 60, 1), (DATA + 32, 1)]);
        assert_eq!(gauges.look(&memory, at(2)), [told(MemoryKind::Stack, 32, 32)]);
        set(&mut memory, &[(DATA + 32, 0)]);
        assert_eq!(gauges.look(&memory, at(3)), []);
        set(&mut memory, &[(DATA + 8, 1)]);
        assert_eq!(gauges.look(&memory, at(4)), [told(MemoryKind::Stack, 8, 8)]);
    }

    #[test]
    fn of_a_program_without_names_nothing_is_known() {
        let mut gauges = Gauges::new(&Symbols::default(), at(0));
        assert_eq!(gauges.look(&memory(&[]), at(1)), []);
    }
}
