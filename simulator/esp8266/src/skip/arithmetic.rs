//! What branches and arithmetic instructions make of [values](super::value).

use super::value::{SIGNED, Value};
use crate::isa::Opcode;

/// Whether it compares and branches. The first operand is a register, the last one the target.
pub(super) fn is_branch(opcode: Opcode) -> bool {
    use Opcode::*;

    compares_registers(opcode)
        || has_one_operand(opcode)
        || matches!(opcode, Bbci | Bbsi | Beqi | Bnei | Bgei | Blti | Bgeui | Bltui)
}

/// Whether it compares two registers.
pub(super) fn compares_registers(opcode: Opcode) -> bool {
    use Opcode::*;

    matches!(opcode, Beq | Bne | Bge | Blt | Bgeu | Bltu | Bany | Bnone | Ball | Bnall | Bbc | Bbs)
}

/// Whether it compares which of two registers holds more, or whether both hold the same.
pub(super) fn compares_in_order(opcode: Opcode) -> bool {
    use Opcode::*;

    matches!(opcode, Beq | Bne | Bge | Blt | Bgeu | Bltu)
}

/// Whether it compares a register with zero, which is no operand.
pub(super) fn has_one_operand(opcode: Opcode) -> bool {
    use Opcode::*;

    matches!(opcode, Beqz | Bnez | Bgez | Bltz)
}

/// Whether a branch is taken in all rounds, or in none.
pub(super) fn decide(opcode: Opcode, left: Value, right: Value) -> Option<bool> {
    use Opcode::*;

    let zero = Value::constant(0);
    let not = |decided: bool| !decided;
    let bit = |right: Value| Some((left >> (right.known()? & 31) & Value::constant(1)).known()? != 0);
    match opcode {
        Beq | Beqi => left.is_equal(right),
        Bne | Bnei => left.is_equal(right).map(not),
        Blt | Blti => left.is_less(right, SIGNED),
        Bge | Bgei => left.is_less(right, SIGNED).map(not),
        Bltu | Bltui => left.is_less(right, 0),
        Bgeu | Bgeui => left.is_less(right, 0).map(not),
        Beqz => left.is_equal(zero),
        Bnez => left.is_equal(zero).map(not),
        Bltz => left.is_less(zero, SIGNED),
        Bgez => left.is_less(zero, SIGNED).map(not),
        Bany => (left & right).is_equal(zero).map(not),
        Bnone => (left & right).is_equal(zero),
        Ball => ((left ^ Value::constant(u32::MAX)) & right).is_equal(zero),
        Bnall => ((left ^ Value::constant(u32::MAX)) & right).is_equal(zero).map(not),
        Bbs | Bbsi => bit(right),
        Bbc | Bbci => bit(right).map(not),
        _ => None,
    }
}

/// Whether a branch is taken that compares a sum with one of the two numbers that were added: how programs learn
/// whether the sum went beyond 32 bits. `None` if it is another comparison, or if that is undecided.
pub(super) fn decide_carry(opcode: Opcode, numbers: [Value; 2]) -> Option<bool> {
    let [x, y] = numbers;
    let carries = if x.greatest() + y.greatest() <= u64::from(u32::MAX) {
        false
    } else if x.least() + y.least() > u64::from(u32::MAX) {
        true
    } else {
        return None;
    };
    match opcode {
        Opcode::Bltu => Some(carries),
        Opcode::Bgeu => Some(!carries),
        _ => None,
    }
}

/// The result of an arithmetic instruction. `y` and `z` are the second and third operand as registers, `numbers` all
/// from the second on as numbers.
pub(super) fn arithmetic(opcode: Opcode, [y, z]: [Value; 2], numbers: [u32; 3], sar: u32) -> Value {
    use Opcode::*;

    let [register, number, width] = numbers;
    let mask = Value::constant;
    match opcode {
        Add => y + z,
        Addi | Addmi => y + Value::constant(number),
        Addx2 => (y << 1) + z,
        Addx4 => (y << 2) + z,
        Addx8 => (y << 3) + z,
        Sub => y - z,
        Subx2 => (y << 1) - z,
        Subx4 => (y << 2) - z,
        Subx8 => (y << 3) - z,
        Neg => -y,
        And | Or if register == number => y,
        And => y & z,
        Or => y | z,
        Xor => y ^ z,
        Mov => y,
        Extui => y >> number & mask((1 << width) - 1),
        Slli => y << (number & 31),
        Srli => y >> number,
        Srai => y.shifted_signed(number),
        Srl if sar < 32 => y >> sar,
        Sra => y.shifted_signed(sar.min(31)),
        Sll if (1..=32).contains(&sar) => y << (32 - sar),
        Mull => match (y.known(), z.known()) {
            (Some(factor), _) => z.times(factor),
            (_, Some(factor)) => y.times(factor),
            _ => Value::of_any(&[y, z]),
        },
        // Of what has two registers both count, of what has one the other is its result's.
        Src | Mul16u | Mul16s => Value::of_any(&[y, z]),
        _ => Value::of_any(&[y]),
    }
}
