//! The timers alone, and with DPORT's gates between them and the core.

use super::super::bench::{Bench, Board};
use super::*;

const APB: Time = Time(26);

#[test]
fn frc1_interrupts_once_a_load() {
    let mut bench = Bench::default();
    let mut timers = Timers::default();
    timers.write(Register::Frc1Load, 80, &mut bench.env(Time(0)));
    timers.write(Register::Frc1Ctrl, 0xC0, &mut bench.env(Time(0)));
    assert_eq!(timers.next(APB), Time::MICROSECOND);
    timers.advance(&mut bench.env(Time(2079)));
    assert_eq!(bench.wires.edges, 0);
    assert_eq!(timers.read(Register::Frc1Count, &mut bench.env(Time(2079))), 1);
    timers.advance(&mut bench.env(Time(2080)));
    assert_eq!(bench.wires.edges, interrupt::FRC1);
    let env = &mut bench.env(Time(2080));
    assert_eq!(timers.read(Register::Frc1Count, env), 80);
    assert_eq!(timers.read(Register::Frc1Ctrl, env), 0x1C0);
    timers.write(Register::Frc1Int, 1, env);
    assert_eq!(timers.read(Register::Frc1Ctrl, env), 0xC0);
    assert_eq!(timers.next(APB), Time(4160));
}

#[test]
fn frc1_without_reload_wraps() {
    let mut bench = Bench::default();
    let mut timers = Timers::default();
    timers.write(Register::Frc1Load, 10, &mut bench.env(Time(0)));
    timers.write(Register::Frc1Ctrl, 0x80, &mut bench.env(Time(0)));
    let env = &mut bench.env(APB.times(13));
    timers.advance(env);
    assert_eq!(env.wires.edges, interrupt::FRC1);
    assert_eq!(timers.read(Register::Frc1Count, env), 0x80_0000 - 3);
}

#[test]
fn frc2_meets_its_alarm_at_312500_hertz() {
    let mut bench = Bench::default();
    let mut timers = Timers::default();
    timers.write(Register::Frc2Ctrl, 0x88, &mut bench.env(Time(0)));
    timers.write(Register::Frc2Alarm, 3125, &mut bench.env(Time(0)));
    let alarm = Time::from_milliseconds(10);
    assert_eq!(timers.next(APB), alarm);
    let env = &mut bench.env(alarm);
    timers.advance(env);
    assert_eq!(env.wires.edges, interrupt::FRC2);
    assert_eq!(timers.read(Register::Frc2Count, env), 3125);
    assert_eq!(timers.next(APB), alarm + APB.times(256 << 32), "once around");
}

#[test]
fn timers_interrupt_through_their_gates() {
    let mut board = Board::new();
    board.write(0x6000_0600, 8000);
    board.write(0x6000_0608, 0xC0);
    board.next();
    assert_eq!((board.cycle, board.interrupts().edges), (8000, 0), "the gate is shut");
    board.write(0x3FF0_0004, 2);
    board.next();
    assert_eq!((board.cycle, board.interrupts().edges), (16_000, 1 << 9));
    assert_eq!(board.interrupts().edges, 0, "an edge is told once");
}

#[test]
fn frc1_is_the_nmi_if_dport_says_so() {
    let mut board = Board::new();
    board.write(0x6000_0600, 8000);
    board.write(0x6000_0608, 0xC0);
    // As the vendor's `NmiTimSetFunc`.
    board.write(0x3FF0_0000, 0x0F);
    board.next();
    assert_eq!(board.interrupts().edges, 0, "the gate is shut");
    board.write(0x3FF0_0004, 2);
    board.next();
    assert_eq!(board.interrupts().edges, 1 << 14);
    board.write(0x3FF0_0000, 1);
    board.next();
    assert_eq!(board.interrupts().edges, 1 << 9, "the MAC's bit is not the timer's");
}

#[test]
fn a_doubled_cpu_does_not_speed_up_the_timers() {
    let mut board = Board::new();
    board.write(0x6000_0620, 0);
    board.write(0x6000_0628, 0x80);
    board.cycle = 800;
    board.write(0x3FF0_0014, 1);
    board.cycle = 800 + 1600;
    assert_eq!(board.read(0x6000_0624), 1600);
    assert_eq!(board.read(0x3FF2_0C00), 20);
    assert_eq!(board.devices.clock().cpu_megahertz(), 160);
}
