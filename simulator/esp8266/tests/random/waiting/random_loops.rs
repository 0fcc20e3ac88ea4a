//! Loops of random instructions.

use super::*;

/// A random loop: clocks, calculations with them, what the round before has left, and several ways out.
fn random_loop(random: &mut Random) -> Code {
    const BINARY: [&str; 15] = [
        "add", "sub", "and", "or", "xor", "addx2", "addx4", "addx8", "subx2", "subx8", "mull", "mul16u", "moveqz",
        "movltz", "movgez",
    ];
    const SHIFTS: [&str; 3] = ["srl", "sra", "sll"];
    const BRANCHES: [&str; 10] = ["beq", "bne", "blt", "bge", "bltu", "bgeu", "bany", "bnone", "ball", "bnall"];
    const BRANCHES_ON_ZERO: [&str; 4] = ["beqz", "bnez", "bgez", "bltz"];
    let clock =
        |random: &mut Random| [ClockRead::Microseconds, ClockRead::Cycles, ClockRead::Frc2][random.below(3) as usize];
    let mut code = Code::new(CODE);
    let first = clock(random);
    read_clock(&mut code, first, 2);
    let again = code.here();
    let mut ways_out = Vec::new();
    feed(&mut code);
    read_clock(&mut code, first, 3);
    code.op("sub", &[4, 3, 2]);
    for _ in 0..random.below(8) {
        // Mostly of what does not come from the round before.
        let mut source =
            || if random.one_in(8) { 5 + random.below(3) } else { [2, 3, 3, 4, 4, 11, 15][random.below(7) as usize] };
        let (left, right) = (source(), source());
        let target = 5 + random.below(3);
        match random.below(10) {
            0..5 => code.op(BINARY[random.below(15) as usize], &[target, left, right]),
            5 => {
                code.op("movi", &[target, random.below(32)]);
                code.op(if random.one_in(2) { "ssr" } else { "ssl" }, &[target]);
                code.op(SHIFTS[random.below(3) as usize], &[target, left]);
            }
            6 => {
                let other = clock(random);
                read_clock(&mut code, other, target);
            }
            7 => code.op("s32i", &[left, 1, 4 * random.below(4)]),
            8 => code.op("l32i", &[target, 1, 4 * random.below(4)]),
            _ => {
                code.op("callx0", &[LOCK]);
                code.op("callx0", &[UNLOCK]);
            }
        }
        if random.one_in(3) {
            ways_out.push(code.here());
            let at = code.here();
            match random.below(5) {
                0 => code.op(BRANCHES_ON_ZERO[random.below(4) as usize], &[left, at + 4]),
                _ => code.op(BRANCHES[random.below(10) as usize], &[left, right, at + 4]),
            }
        }
    }
    nop(&mut code, random.below(40));
    let branch = code.here();
    code.op("bltu", &[4, LENGTH, branch + 4]);
    code.patch_target(branch, again);
    let out = code.here();
    code.op("addi", &[ENDS, ENDS, 1]);
    code.op("j", &[CODE]);
    for way in ways_out {
        code.patch_target(way, out);
    }
    code
}

#[test]
fn random_loops_come_to_the_same() {
    let mut passed = 0;
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let code = random_loop(&mut random);
        let length = [500, 20_000, 1 << 20, random.word()][random.below(4) as usize];
        let chips = [true, false].map(|skips| chip(&code, length, skips));
        let [skipping, executing] = chips;
        passed += u32::from(compare(skipping, executing, &mut random, 1_500_000) > 0.5);
    }
    assert!(passed > 40, "only {passed} loops were passed over");
}
