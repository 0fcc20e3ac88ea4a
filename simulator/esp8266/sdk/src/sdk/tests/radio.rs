//! What the program asks of the radio, and the events that it gets.

use super::*;

#[test]
fn the_reconnect_policy_and_the_radios_sleep_are_taken_and_mean_nothing_here() {
    let mut bench = bench();
    assert_eq!(bench.call("wifi_station_set_reconnect_policy", &[0]), 1);
    assert_eq!(bench.call("wifi_set_sleep_type", &[0]), 1);
    assert_eq!(bench.output(), []);
}

#[test]
fn a_program_that_says_nothing_of_the_radio_gets_the_stored_mode() {
    let mut bench = bench();
    bench.sdk.start_stored_mode(&mut bench.chip, Instant::START);
    let network = "ESP_000000".to_owned();
    let open = Output::StartAccessPoint { network, passphrase: String::new(), channel: 1 };
    assert_eq!(bench.output(), [open]);
    bench.sdk.start_stored_mode(&mut bench.chip, Instant::START);
    assert_eq!(bench.output(), [], "once");
    let mut bench = self::bench();
    bench.call("wifi_set_opmode_current", &[0]);
    bench.sdk.start_stored_mode(&mut bench.chip, Instant::START);
    assert_eq!(bench.output(), []);
    assert_eq!(bench.call("wifi_station_get_auto_connect", &[]), 1, "as on a new board");
    assert_eq!(bench.call("wifi_station_set_auto_connect", &[0]), 1);
    assert_eq!(bench.call("wifi_station_get_auto_connect", &[]), 0);
}

#[test]
fn joining_tells_the_world_the_network_and_the_program_the_outcome() {
    let mut bench = bench();
    let handler = 0x4010_0E00;
    bench.call("wifi_set_event_handler_cb", &[handler]);
    assert_eq!(bench.call("wifi_set_opmode_current", &[1]), 1);
    assert_eq!(bench.call("wifi_station_connect", &[]), 0, "no network has been named");
    bench.poke(DATA, &station());
    assert_eq!(bench.call("wifi_station_set_config_current", &[DATA]), 1);
    assert_eq!(bench.call("wifi_station_connect", &[]), 1);
    let join = Output::Join { network: "home".to_owned(), passphrase: Some("correct horse".to_owned()) };
    assert_eq!(bench.output(), [join]);

    bench.board().joined = Some(JoinOutcome::Failed(JoinFailure::WrongPassphrase));
    let call = bench.next_call().unwrap();
    assert_eq!(call.function, handler);
    assert_eq!(bench.word(call.arguments[0]), 1, "disconnected");
    assert_eq!(bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1), [204]);
    bench.returned(0);

    for reason in [15, 202, 204] {
        bench.call("wifi_station_connect", &[]);
        bench.board().joined = Some(JoinOutcome::Failed(JoinFailure::WrongPassphrase));
        let call = bench.next_call().unwrap();
        assert_eq!(bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1), [reason], "as routers differ");
        bench.returned(0);
    }

    bench.call("wifi_station_connect", &[]);
    bench.board().joined = Some(JoinOutcome::Joined);
    let call = bench.next_call().unwrap();
    assert_eq!(bench.word(call.arguments[0]), 0, "connected");
    bench.returned(0);

    bench.board().lost = Some(LinkLoss::BeaconTimeout);
    let call = bench.next_call().unwrap();
    assert_eq!(bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1), [200]);
}

#[test]
fn that_the_station_has_left_is_told_when_it_joins_again() {
    let mut bench = bench();
    bench.call("wifi_set_event_handler_cb", &[0x4010_0E00]);
    bench.poke(DATA, &station());
    bench.call("wifi_station_set_config_current", &[DATA]);
    bench.call("wifi_station_connect", &[]);
    bench.call("wifi_station_disconnect", &[]);
    assert!(bench.next_call().is_none());
    bench.call("wifi_station_connect", &[]);
    bench.board().joined = Some(JoinOutcome::Joined);
    for event in [[1, 8], [0, 0]] {
        let call = bench.next_call().unwrap();
        let reason = bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1)[0];
        assert_eq!([bench.word(call.arguments[0]), reason.into()], event);
        bench.returned(0);
    }
}

#[test]
fn a_network_that_is_protected_otherwise_is_not_found_and_a_scan_tells_how_it_is() {
    let mut bench = bench();
    bench.call("wifi_set_event_handler_cb", &[0x4010_0E00]);
    bench.call("wifi_set_opmode_current", &[1]);
    bench.poke(DATA, &station());
    bench.call("wifi_station_set_config_current", &[DATA]);
    bench.call("wifi_station_connect", &[]);
    let (callback, name) = (0x4010_0E80, DATA);
    bench.poke(DATA + 128, &[name.to_le_bytes().as_slice(), &[0; 20]].concat());
    assert_eq!(bench.call("wifi_station_scan", &[DATA + 128, callback]), 0, "it joins");
    bench.board().joined = Some(JoinOutcome::Failed(JoinFailure::SecurityMismatch));
    let call = bench.next_call().unwrap();
    assert_eq!(bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1), [201]);
    bench.returned(0);
    bench.output();

    assert_eq!(bench.call("wifi_station_scan", &[DATA + 128, callback]), 1);
    assert_eq!(bench.output(), [Output::Scan { network: Some("home".to_owned()) }]);
    assert_eq!(bench.call("wifi_station_scan", &[0, callback]), 0, "one at a time");
    assert!(bench.next_call().is_none());
    let heard = |last, auth_mode| AccessPoint {
        name: "home".to_owned(),
        bssid: [2, 0, 0, 0, 0, last],
        channel: 6,
        signal: -61,
        auth_mode,
    };
    bench.board().scanned = Some(vec![heard(1, AuthMode::Wep), heard(2, AuthMode::WpaWpa2)]);
    let call = bench.next_call().unwrap();
    assert_eq!((call.function, call.arguments[1]), (callback, 0));
    let first = call.arguments[0];
    let second = bench.word(first);
    assert_eq!((bench.word(first + 48), bench.word(second + 48), bench.word(second)), (1, 4, 0), "AUTH_MODE");
    assert_eq!(bench.chip.core.memory.peek(second + 4, 10), *b"\x02\0\0\0\0\x02home");
    assert_eq!(bench.chip.core.memory.peek(second + 42, 3), [4, 6, -61_i8 as u8]);
    bench.returned(0);

    assert_eq!(bench.call("wifi_station_scan", &[0, callback]), 1);
    assert_eq!(bench.output(), [Output::Scan { network: None }]);
    bench.board().scanned = Some(vec![]);
    assert_eq!(bench.next_call().unwrap().arguments, [0, 0, 0], "nothing was heard");
}

#[test]
fn leaving_and_the_signal_are_the_radios() {
    let mut bench = bench();
    assert_eq!(bench.call("wifi_station_get_rssi", &[]) as i32, 31, "nothing is joined");
    bench.board().signal = Some(-67);
    assert_eq!(bench.call("wifi_station_get_rssi", &[]) as i32, -67);
    assert_eq!(bench.call("wifi_station_disconnect", &[]), 1);
    assert_eq!(bench.output(), [Output::Leave]);
}

#[test]
fn the_access_point_opens_with_name_passphrase_and_channel() {
    let mut bench = bench();
    let mut record = vec![0; 108];
    record[..11].copy_from_slice(b"yellow-duck");
    record[32..41].copy_from_slice(b"helloduck");
    record[97] = 6;
    bench.poke(DATA, &record);
    assert_eq!(bench.call("wifi_softap_set_config_current", &[DATA]), 1);
    let (network, passphrase) = ("yellow-duck".to_owned(), "helloduck".to_owned());
    assert_eq!(bench.output(), [Output::StartAccessPoint { network, passphrase, channel: 6 }]);
}

#[test]
fn an_interface_is_there_while_its_mode_is_on() {
    let mut bench = bench();
    assert_eq!(bench.call("eagle_lwip_getif", &[0]), 0);
    bench.call("wifi_set_opmode_current", &[1]);
    let station = bench.call("eagle_lwip_getif", &[0]);
    assert_eq!((station, bench.call("eagle_lwip_getif", &[1])), (INTERFACES, 0));
    bench.call("wifi_set_opmode_current", &[2]);
    assert_eq!(
        (bench.call("eagle_lwip_getif", &[0]), bench.call("eagle_lwip_getif", &[1])),
        (0, INTERFACES + INTERFACE_SIZE)
    );
}
