//! Whatever a program does to the devices' registers: nothing panics, nothing depends on anything but the accesses, and
//! the devices never get stuck at a moment.

use proptest::prelude::*;

use super::*;

/// First addresses of pages of 256 bytes in which something answers, and some in which nothing does.
const PAGES: [u32; 28] = [
    0x3FF0_0000,
    0x3FF0_0100,
    0x3FF2_0000,
    0x3FF2_0C00,
    0x3FF2_0E00,
    0x6000_0000,
    0x6000_0100,
    0x6000_0200,
    0x6000_0300,
    0x6000_0400,
    0x6000_0500,
    0x6000_0600,
    0x6000_0700,
    0x6000_0800,
    0x6000_0900,
    0x6000_0A00,
    0x6000_0B00,
    0x6000_0C00,
    0x6000_0D00,
    0x6000_0E00,
    0x6000_0F00,
    0x6000_1000,
    0x6000_1300,
    0x6000_1800,
    0x6000_2000,
    0x6000_9600,
    0x4000_1000,
    0x7FFF_FF00,
];

#[derive(Clone, Copy, Debug)]
enum Step {
    Read { address: u32, width: Width },
    Write { address: u32, width: Width, value: u32 },
    Wait(u64),
    Receive(u8),
}

/// An address among these, or anywhere.
fn address(addresses: Vec<u32>) -> impl Strategy<Value = (u32, Width)> {
    let width = prop_oneof![8 => Just(Width::Word), 1 => Just(Width::Half), 1 => Just(Width::Byte)];
    let word = prop_oneof![30 => prop::sample::select(addresses), 1 => any::<u32>()];
    (word, 0..4u32, width).prop_map(|(word, offset, width)| ((word & !3 | offset) & !(width as u32 - 1), width))
}

/// Values of registers: all bits, some, few, one command or length at its edge.
fn value() -> impl Strategy<Value = u32> {
    prop_oneof![
        3 => any::<u32>(),
        1 => (0..32u32).prop_map(|bit| 1 << bit),
        3 => (0..32u32).prop_map(|bit| u32::MAX << bit),
        1 => 0..0x400u32,
        1 => Just(0x73),
    ]
}

fn step(addresses: Vec<u32>) -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => address(addresses.clone()).prop_map(|(address, width)| Step::Read { address, width }),
        8 => (address(addresses), value()).prop_map(|((address, width), value)| Step::Write {
            address,
            width,
            value: value & width.mask(),
        }),
        2 => (0..28u32, any::<u32>()).prop_map(|(bits, cycles)| Step::Wait(u64::from(cycles & ((1 << bits) - 1)))),
        1 => any::<u8>().prop_map(Step::Receive),
    ]
}

/// Accesses to a few registers, so that what one does to a device meets what others have done.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let offsets: Vec<u32> = (0..64).map(|word| 4 * word).collect();
    let pages = prop::sample::subsequence(PAGES.as_slice(), 1..3);
    (pages, prop::sample::subsequence(offsets, 2..48)).prop_flat_map(|(pages, offsets)| {
        let addresses = pages.iter().flat_map(|page| offsets.iter().map(move |offset| page + offset)).collect();
        prop::collection::vec(step(addresses), 1..1_000)
    })
}

/// Does the steps to a new board; returns all that came of them.
fn run(steps: &[Step]) -> Vec<(u64, u64, Interrupts)> {
    let levels =
        (0..200).map(|index| (index * 9_973, 0x1_7FFF ^ (index as u32).wrapping_mul(0x9E37_79B9) >> 16)).collect();
    let mut board = Board::with_levels(levels);
    let mut seen = Vec::new();
    for step in steps {
        let mut context = Context { memory: &mut board.memory, cycle: board.cycle, pc: 0x4010_0000 };
        let answer = match *step {
            Step::Read { address, width } => board
                .devices
                .read(address, width, &mut context)
                .map_or(u64::MAX, |value| u64::from(value & width.mask())),
            Step::Write { address, width, value } => {
                u64::from(board.devices.write(address, width, value, &mut context).is_ok())
            }
            Step::Wait(cycles) => {
                board.cycle += cycles;
                0
            }
            Step::Receive(byte) => {
                let at = board.devices.now(board.cycle).nanoseconds() + 1000 * u64::from(byte);
                board.devices.receive(usize::from(byte), byte, at);
                0
            }
        };
        board.cycle += 1;
        seen.push((board.cycle, answer, board.devices.interrupts(board.cycle)));
        // As the core does, until nothing is due any more.
        let mut turns = 0;
        while board.devices.next_event() <= board.cycle {
            board.devices.advance(board.cycle, &mut board.memory);
            turns += 1;
            assert!(turns < 100_000, "the devices are stuck at cycle {}", board.cycle);
        }
        seen.push((board.cycle, board.devices.next_event(), board.devices.interrupts(board.cycle)));
        if let Some(request) = board.devices.take_request() {
            let cause = match request {
                Request::Reset(cause) => cause,
                Request::DeepSleep(_) => ResetCause::DeepSleep,
                Request::FlashBegan(_) | Request::Transmitted => continue,
            };
            board.devices.reset(cause, board.cycle, &mut board.memory);
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_access_of_a_program_panics_and_all_answers_repeat(steps in steps()) {
        prop_assert!(run(&steps) == run(&steps), "the same accesses were answered differently");
    }
}
