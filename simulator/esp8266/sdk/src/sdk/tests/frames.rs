//! Frames on their way out and in, and who owns their buffers.

use super::*;

#[test]
fn a_frame_goes_out_as_it_is() {
    let mut bench = bench();
    let (pbuf, payload) = (DATA, DATA + 0x100);
    bench.poke(payload, b"frame");
    let record: Vec<u8> = [0, payload, 5 << 16 | 5].iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    bench.poke(pbuf, &record);
    bench.poke(pbuf + 14, &[1, 0]);
    assert_eq!(bench.call("ieee80211_output_pbuf", &[INTERFACES, pbuf]), 0);
    assert_eq!(bench.output(), [Output::Frame(b"frame".to_vec())]);
    assert_eq!(bench.chip.core.memory.peek(pbuf + 14, 2), [2, 0], "the radio is an owner until it is sent");
    let now = Instant::START + Duration::from_nanos(bench.chip.now().nanoseconds());
    assert!(bench.sdk.next_call(&mut bench.chip, now + Duration::from_micros(500)).is_none(), "not sent yet");
    assert!(bench.sdk.next_sent().unwrap() < now + Duration::from_micros(510));
    let call = bench.next_call().unwrap();
    assert_eq!((call.function, call.arguments[0]), (PBUF_FREE, pbuf));
    bench.returned(1);
    for taken in [0; 8].into_iter().chain([1]) {
        assert_eq!(bench.call("ieee80211_output_pbuf", &[INTERFACES, pbuf]), taken, "it has eight buffers");
    }
}

/// Takes one frame in up to the program's `ethernet_input`; returns the radio's buffer.
fn receive(bench: &mut Bench, frame: &[u8]) -> u32 {
    bench.board().frames.push_back(frame.to_vec());
    let allocation = bench.next_call().unwrap();
    assert_eq!((allocation.function, allocation.arguments), (PBUF_ALLOC, [3, frame.len() as u32, 2]));
    let pbuf = DATA + 0x200;
    bench.returned(pbuf);
    let input = bench.next_call().unwrap();
    assert_eq!((input.function, input.arguments[..2].to_vec()), (ETHERNET_INPUT, vec![pbuf, INTERFACES]));
    let buffer = bench.word(pbuf + 4);
    assert_eq!(bench.chip.core.memory.peek(buffer, frame.len()), frame);
    assert_eq!(bench.word(pbuf + 8), (frame.len() as u32) << 16 | frame.len() as u32);
    bench.returned(0);
    buffer
}

#[test]
fn frames_come_in_through_as_many_buffers_as_the_radio_has() {
    let mut bench = bench();
    let buffers: Vec<u32> = (0..BUFFERS).map(|_| receive(&mut bench, b"a frame")).collect();
    bench.board().frames.push_back(b"one more".to_vec());
    assert!(bench.next_call().is_none(), "all buffers are in use");
    bench.call("system_pp_recycle_rx_pkt", &[buffers[3]]);
    bench.board().frames.clear();
    assert_eq!(receive(&mut bench, b"later"), buffers[3]);
    bench.call("system_pp_recycle_rx_pkt", &[0xFFFF_FFFF]);
}

/// The exception that a store to a null record ends in.
fn crashed(bench: &Bench) -> bool {
    exception(bench) == (29, 4, rom_task_loop())
}

#[test]
fn a_frame_that_the_program_has_no_record_for_is_its_end() {
    let mut bench = bench();
    bench.board().frames.push_back(b"a frame".to_vec());
    bench.next_call().unwrap();
    bench.returned(0);
    assert!(crashed(&bench));
    assert!(bench.next_call().is_none());
}

/// What the SDK asks for next: length and kind.
fn asked(bench: &mut Bench) -> [u32; 2] {
    let call = bench.next_call().unwrap();
    assert_eq!((call.function, call.arguments[0]), (PBUF_ALLOC, 3));
    [call.arguments[1], call.arguments[2]]
}

#[test]
fn an_access_point_asks_for_a_copy_of_what_is_for_all_and_goes_on_without() {
    let mut bench = bench();
    bench.call("wifi_set_opmode_current", &[2]);
    let (to_all, to_us) = ([0xFF; 60], [0x1A; 60]);
    bench.board().frames.extend([to_all.to_vec(), to_us.to_vec()]);
    assert_eq!(asked(&mut bench), [60, 0], "a copy");
    bench.returned(0);
    assert_eq!(asked(&mut bench), [60, 2], "there was no room for it; the record");
    bench.returned(DATA + 0x200);
    assert_eq!(bench.next_call().unwrap().function, ETHERNET_INPUT);
    bench.returned(0);
    assert_eq!(asked(&mut bench), [60, 2], "what is for the device alone is not copied");

    let mut bench = self::bench();
    bench.call("wifi_set_opmode_current", &[2]);
    bench.board().frames.push_back(to_all.to_vec());
    asked(&mut bench);
    let (copy, payload) = (DATA + 0x200, DATA + 0x300);
    bench.poke(copy + 4, &payload.to_le_bytes());
    bench.returned(copy);
    assert_eq!(bench.chip.core.memory.peek(payload, 60), to_all);
    assert_eq!(asked(&mut bench), [60, 2]);
    bench.returned(DATA + 0x400);
    assert_eq!(bench.next_call().unwrap().function, ETHERNET_INPUT);
    bench.returned(0);
    let freed = bench.next_call().unwrap();
    assert_eq!((freed.function, freed.arguments[0]), (PBUF_FREE, copy), "sent");
}

#[test]
fn a_station_that_joins_takes_two_frames_of_a_handshake() {
    let mut bench = bench();
    bench.board().handshakes = 1;
    for room in [DATA + 0x200, DATA + 0x400] {
        assert_eq!(asked(&mut bench), [256, 0]);
        bench.returned(room);
        let freed = bench.next_call().unwrap();
        assert_eq!((freed.function, freed.arguments[0]), (PBUF_FREE, room));
        bench.returned(1);
    }
    assert!(bench.next_call().is_none());
    bench.board().handshakes = 1;
    asked(&mut bench);
    bench.returned(0);
    assert!(crashed(&bench), "the SDK does not look what it got");
}

#[test]
fn who_idles_in_a_call_from_the_sdk_is_not_called_again() {
    let mut bench = bench();
    bench.sdk.calls.begin(&mut bench.chip, Call { function: rom_task_loop(), arguments: [0; 3] });
    bench.board().frames.push_back(b"a frame".to_vec());
    assert!(!bench.sdk.idles(&mut bench.chip));
    assert_eq!(bench.board().frames.len(), 1);
    bench.sdk.calls.end(&mut bench.chip).unwrap();
    assert!(bench.sdk.idles(&mut bench.chip));
    assert_eq!((bench.chip.core.cpu.pc, bench.board().frames.len()), (PBUF_ALLOC, 0));
}
