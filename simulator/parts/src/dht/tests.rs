use super::*;

fn encoded(model: DhtModel, temperature: i32, humidity: i32) -> ([u8; 4], i32, i32) {
    let (bytes, sent) = model.encode(Measurement { temperature, humidity }, model.part().coding);
    (bytes, sent.temperature, sent.humidity)
}

#[test]
fn an_am2302_sends_the_data_sheets_examples() {
    // AM2302 data sheet §7: 65.2 %, 35.1 °C and −10.1 °C.
    for model in [DhtModel::Am2302, DhtModel::Am2301] {
        assert_eq!(encoded(model, 351, 652), ([0x02, 0x8C, 0x01, 0x5F], 351, 652));
        assert_eq!(encoded(model, -101, 652), ([0x02, 0x8C, 0x80, 0x65], -101, 652));
    }
}

#[test]
fn a_clone_sends_frost_in_twos_complement() {
    // RobTillaart/DHTNew#52: −0.1 and −0.3 °C; hasenradball/AM2302-Sensor#14: −18.0 °C.
    assert_eq!(encoded(DhtModel::Clone, -1, 501), ([0x01, 0xF5, 0xFF, 0xFF], -1, 501));
    assert_eq!(encoded(DhtModel::Clone, -3, 507), ([0x01, 0xFB, 0xFF, 0xFD], -3, 507));
    assert_eq!(encoded(DhtModel::Clone, -180, 0), ([0, 0, 0xFF, 0x4C], -180, 0));
    assert_eq!(encoded(DhtModel::Clone, 351, 652), encoded(DhtModel::Am2302, 351, 652));
}

#[test]
fn a_dht11_sends_whole_units_and_nothing_below_zero() {
    assert_eq!(encoded(DhtModel::Dht11, 215, 456), ([46, 0, 22, 0], 220, 460));
    assert_eq!(encoded(DhtModel::Dht11, 214, 454), ([45, 0, 21, 0], 210, 450));
    assert_eq!(encoded(DhtModel::Dht11, -101, -5), ([0, 0, 0, 0], 0, 0));
}

#[test]
fn readings_outside_the_range_are_sent_as_far_as_the_bytes_go() {
    assert_eq!(encoded(DhtModel::Am2302, 1_500, 1_200), ([0x04, 0xB0, 0x05, 0xDC], 1_500, 1_200));
    assert_eq!(encoded(DhtModel::Am2302, i32::MIN, i32::MAX), ([0xFF; 4], -0x7FFF, 0xFFFF));
    assert_eq!(encoded(DhtModel::Clone, i32::MIN, i32::MAX), ([0xFF, 0xFF, 0x80, 0], -0x8000, 0xFFFF));
}

#[test]
fn the_longer_the_start_pulse_the_likelier_the_answer() {
    let answers = |micros| DhtModel::Am2302.answers(Duration::from_micros(micros));
    assert_eq!(
        [0, 105, 111, 205, 305, 505, 800, 20_000].map(answers),
        [0, 0, 0, 200_000, 500_000, 1_000_000, 1_000_000, 1_000_000]
    );
    assert_eq!([158, 255, 405].map(answers), [100_000, 350_000, 750_000]);
    assert!((0..600).map(answers).is_sorted());
    assert_eq!([799, 800].map(|micros| DhtModel::Clone.answers(Duration::from_micros(micros))), [0, 1_000_000]);
    assert_eq!([17_999, 18_000].map(|micros| DhtModel::Dht11.answers(Duration::from_micros(micros))), [0, 1_000_000]);
}

#[test]
fn a_stuck_sensor_stays_at_its_value_while_another_fault_comes_and_goes() {
    use simulator_record::random::Seed;
    let constant = |tenths| Signal::Constant(tenths);
    let stream = Seed(1).stream("sensor");
    let mut sensor = Dht::new(DhtModel::Am2302, constant(200), constant(500), stream);
    sensor.power_on(Instant::START);
    let mut now = Instant::START;
    let mut answered = |sensor: &mut Dht, tenths: i32| {
        now += Duration::from_secs(10);
        sensor.surround(now, Some(constant(tenths)), None);
        // The first answer is what it measured before.
        for _ in 0..2 {
            now += Duration::from_secs(10);
            let answer = sensor.answer(now, now + Duration::from_millis(1));
            if let Some((temperature, _)) = answer.sent {
                return temperature;
            }
        }
        panic!("no answer");
    };
    sensor.begin_fault(SensorFault::Stuck);
    let stuck = answered(&mut sensor, 210);
    assert_eq!(answered(&mut sensor, 220), stuck);
    sensor.begin_fault(SensorFault::LateResponse(Lateness::always(Duration::from_micros(1))));
    let _ = answered(&mut sensor, 230);
    sensor.end_fault([SensorFault::Stuck].iter());
    assert_eq!(answered(&mut sensor, 240), stuck);
    sensor.end_fault([].iter());
    let free = answered(&mut sensor, 250);
    assert!(free > stuck, "{free}");
}
