//! What instructions that only compute make of numbers.

use crate::isa::Opcode::{self, *};

/// What an arithmetic instruction leaves in its first operand; `None` of any other instruction. `y` and `z` are its
/// second and third operand as registers, `numbers` all from the second on as numbers, `sar` is the shift amount. What
/// moves conditionally is not among them.
#[inline(always)]
pub(crate) fn result(opcode: Opcode, [y, z]: [u32; 2], numbers: [u32; 3], sar: u32) -> Option<u32> {
    let [register, number, width] = numbers;
    Some(match opcode {
        Add => y.wrapping_add(z),
        Addi | Addmi => y.wrapping_add(number),
        Addx2 => (y << 1).wrapping_add(z),
        Addx4 => (y << 2).wrapping_add(z),
        Addx8 => (y << 3).wrapping_add(z),
        Sub => y.wrapping_sub(z),
        Subx2 => (y << 1).wrapping_sub(z),
        Subx4 => (y << 2).wrapping_sub(z),
        Subx8 => (y << 3).wrapping_sub(z),
        And => y & z,
        Or => y | z,
        Xor => y ^ z,
        Abs => (y as i32).unsigned_abs(),
        Neg => y.wrapping_neg(),
        Mov => y,
        Movi => register,
        Extui => (y >> number) & ((1 << width) - 1),
        Nsa => normalization_shift(y),
        Nsau => y.leading_zeros(),
        Mul16u => (y & 0xFFFF) * (z & 0xFFFF),
        Mul16s => (i32::from(y as i16) * i32::from(z as i16)) as u32,
        Mull => y.wrapping_mul(z),
        Sll => (u64::from(y) << (32_u32.wrapping_sub(sar) & 63)) as u32,
        Src => ((u64::from(y) << 32 | u64::from(z)) >> sar) as u32,
        Srl => (u64::from(y) >> sar) as u32,
        Sra => (i64::from(y as i32) >> sar) as u32,
        Slli => y << (number & 31),
        Srai => ((y as i32) >> number) as u32,
        Srli => y >> number,
        _ => return None,
    })
}

/// Whether an instruction computes its first operand of the others and the shift amount, and does nothing else.
pub(crate) fn is_arithmetic(opcode: Opcode) -> bool {
    result(opcode, [0; 2], [0; 3], 0).is_some()
}

/// Whether a branch is taken that compares these two; 0 is the second of those that have one operand. `false` of any
/// other instruction.
#[inline(always)]
pub(crate) fn is_taken(opcode: Opcode, left: u32, right: u32) -> bool {
    match opcode {
        Beq | Beqi | Beqz => left == right,
        Bne | Bnei | Bnez => left != right,
        Bge | Bgei | Bgez => left as i32 >= right as i32,
        Blt | Blti | Bltz => (left as i32) < right as i32,
        Bgeu | Bgeui => left >= right,
        Bltu | Bltui => left < right,
        Bany => left & right != 0,
        Bnone => left & right == 0,
        Ball => !left & right == 0,
        Bnall => !left & right != 0,
        Bbc | Bbci => left >> (right & 31) & 1 == 0,
        Bbs | Bbsi => left >> (right & 31) & 1 != 0,
        _ => false,
    }
}

/// `nsa`: by how many bits a signed value can be shifted left without losing its sign.
fn normalization_shift(value: u32) -> u32 {
    let magnitude = if (value as i32) < 0 { !value } else { value };
    magnitude.leading_zeros() - 1
}
