//! What the firmware needs of the chip's memory: its future, its `Resources`, and the heap it uses in between.
//!
//! An allocator that knows whose code runs counts what firmware code allocates and has not freed, whoever frees it;
//! what the simulator allocates around it does not count. On the chip pointers are half as wide, so the figures here
//! are the worse ones.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use firmware::board::ResetCause;
use firmware::{FUTURE_BUDGET, Resources};
use simulator::director::Director;
use simulator::run;
use simulator_record::events::{DeviceId, EventKind};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::Scenario;
use simulator_world::boards;
use simulator_world::device::Port;
use simulator_world::device::host::{HostBoard, firmware_runs};
use simulator_world::device::port::Models;

/// The chip's 80 KiB of data memory less what its radio needs.
const BUDGET: usize = 48 * 1_024;
/// What a small allocator such as umm_malloc keeps beside each block.
const BLOCK: usize = 8;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The system's allocator with a note before each block of whether firmware code asked for it.
struct Counting;

thread_local! {
    static IN_USE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// The block with the note before it, and where in it the block itself begins.
fn with_note(layout: Layout) -> Option<(Layout, usize)> {
    Layout::new::<bool>().extend(layout).ok()
}

fn in_use() -> usize {
    IN_USE.with(Cell::get)
}

#[expect(unsafe_code, reason = "only a global allocator sees every allocation")]
// SAFETY: Every block comes from the system's allocator with a layout that has room for the caller's block, aligned as
// asked, behind the note, and goes back with the same layout, which follows from the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((whole, offset)) = with_note(layout) else { return std::ptr::null_mut() };
        // SAFETY: The layout's size is not zero: the note takes a byte.
        let start = unsafe { System.alloc(whole) };
        if start.is_null() {
            return start;
        }
        let counts = firmware_runs();
        if counts {
            IN_USE.with(|in_use| {
                in_use.set(in_use.get() + layout.size() + BLOCK);
                PEAK.with(|peak| peak.set(peak.get().max(in_use.get())));
            });
        }
        // SAFETY: The block holds the note at its start and the caller's bytes from `offset` on.
        unsafe {
            start.cast::<bool>().write(counts);
            start.add(offset)
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some((whole, offset)) = with_note(layout) else { return };
        // SAFETY: The block was handed out above with this layout, so it lies `offset` bytes behind its note.
        unsafe {
            let start = block.sub(offset);
            if start.cast::<bool>().read() {
                IN_USE.with(|in_use| in_use.set(in_use.get() - layout.size() - BLOCK));
            }
            System.dealloc(start, whole);
        }
    }
}

/// The bytes of the firmware's future over the host's board.
fn future_size() -> usize {
    let seed = Seed(1);
    let models = Models::of_board(&boards::yellow_duck::BOARD, seed, "");
    let port = Rc::new(Port::new(DeviceId(0), models));
    let mut resources = Box::new(Resources::new());
    size_of_val(&firmware::run(HostBoard::new(port, Instant::START, ResetCause::PowerOn), &mut resources))
}

fn scenario(text: &str) -> Scenario {
    let text = format!("title = \"memory\"\n{text}");
    Scenario::parse("memory.toml", &text, &|name| Err(format!("{name} is not needed")))
        .unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Runs a scenario and holds the memory that it took against the budget.
fn stays_within_the_budget(what: &str, text: &str) {
    let scenario = scenario(text);
    assert_eq!(in_use(), 0);
    let outcome = run::run(&scenario, Seed(1));
    if let Some((verdict, failure)) = outcome.first_failed_run().failures().next() {
        panic!("{what} did not happen: expected {}, saw {}", verdict.text, failure.seen);
    }
    drop(outcome);
    assert_eq!(in_use(), 0, "the firmware leaves nothing behind");
    let future = future_size();
    let resources = size_of::<Resources>();
    // The host keeps the resources on the heap, too.
    let heap = PEAK.with(Cell::get).checked_sub(resources + BLOCK).expect("the firmware ran");
    let total = future + resources + heap;
    println!("{what}: future {future} + resources {resources} + heap {heap} = {total} of {BUDGET} bytes");
    assert!(future <= FUTURE_BUDGET, "the future has {future} bytes");
    assert!(total <= BUDGET, "{total} bytes");
}

const STATION: &str = "[settings]\nnetwork = 'home'\npassphrase = 'correct horse'\n";
const STORED: &str = "[[expect]]\nevent.stored = {}\n[[expect]]\nevent.tls = { outcome = 'established' }\n";

#[test]
fn an_upload_to_a_server_with_p256_stays_within_the_budget() {
    stays_within_the_budget("an upload with P-256", &format!("duration = '2m'\n{STATION}{STORED}"));
}

#[test]
fn an_upload_to_a_server_with_rsa_stays_within_the_budget() {
    let cloud = "[cloud]\nkey-type = 'RSA-2048'\n";
    stays_within_the_budget("an upload with RSA-2048", &format!("duration = '2m'\n{STATION}{cloud}{STORED}"));
}

#[test]
fn a_bulk_upload_after_an_outage_stays_within_the_budget() {
    let outage = "[[faults]]\nname = 'no internet'\nfrom = '1m'\nuntil = '6h'\ninject.route = { to = 'cloud', reply = 'silent' }\n";
    let bulk = "[[expect]]\nevent.request = { method = 'POST', status = 202 }\n";
    stays_within_the_budget("a bulk upload", &format!("duration = '7h'\n{STATION}{outage}{bulk}{STORED}"));
}

#[test]
fn a_form_submitted_in_configuration_mode_stays_within_the_budget() {
    let phones = "[[networks]]\nname = 'home'\npassphrase = 'correct horse'\n[[phones]]\nname = 'alice'\narrives = '5s'\ndoes = [\n\
        { join = { network = 'yellow-duck' } },\n\
        { open = 'http://connectivitycheck.gstatic.com/generate_204' },\n\
        { submit = { network = 'home', passphrase = 'correct horse', write-key = 'channel', trusted-issuer = 'cloud' } },\n]\n";
    let saved = "[[expect]]\nevent.restart = { reason = 'settings saved' }\n";
    stays_within_the_budget("configuration mode", &format!("duration = '2m'\n{phones}{saved}"));
}

#[test]
fn a_week_takes_no_more_memory_than_a_day() {
    let scenario = scenario(&format!("duration = '8d'\n{STATION}[[expect]]\nevent.stored = {{}}\n"));
    let mut world = run::build::world(&scenario, Seed(1));
    let mut director = Director::new(&scenario, Seed(1), &mut world);
    let (mut seen, mut stored) = (Vec::new(), 0);
    for day in 1..=7 {
        // Between two readings, which come every five minutes.
        let end = Instant::START + Duration::from_secs(day * 24 * 60 * 60 + 150);
        while world.next_at().is_some_and(|at| at <= end) {
            world.step();
            for event in world.take_events() {
                director.observe(&event, &mut world);
                stored += usize::from(matches!(event.kind, EventKind::Stored(_)));
            }
        }
        seen.push(in_use());
    }
    println!("in use at the end of each day: {seen:?} bytes");
    assert!(seen[0] >= size_of::<Resources>());
    assert!(seen.iter().all(|in_use| *in_use == seen[0]), "{seen:?}");
    assert!(stored > 7 * 280, "only {stored} readings were stored in the week");
}
