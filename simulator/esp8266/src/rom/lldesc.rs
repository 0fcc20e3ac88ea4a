//! Chains of DMA descriptors: `lldesc_build_chain`, `lldesc_num2link`, `lldesc_set_owner`.
//!
//! A descriptor is three words: sizes and flags, the buffer, the next descriptor. The Wi-Fi MAC and SLC walk them.

use super::call::{Call, Flow, Trouble};

type Outcome = Result<Flow, Trouble>;

/// Bytes of a descriptor.
const DESCRIPTOR: u32 = 12;
/// Word 0: the hardware may use it.
const OWNER: u32 = 1 << 31;
/// Offset of the pointer to the next.
const NEXT: u32 = 8;

/// `lldesc_build_chain(descriptors, their bytes, buffer, its bytes, block, full, &first, &last)`: a descriptor for each
/// block of the buffer, one behind the other; each has as its length all of the block, or nothing.
pub fn build_chain(call: &mut Call<'_>) -> Outcome {
    let [first, _, buffer, bytes, block, is_full] = [0, 1, 2, 3, 4, 5].map(|index| call.argument(index));
    let (to_first, to_last) = (call.stacked(0)?, call.stacked(1)?);
    // The ROM goes on as after a division by zero, which gives 0, and makes one descriptor.
    let count = bytes.checked_div(block).unwrap_or(0).max(1);
    let size = block & 0xFFF;
    let length = if is_full == 0 { 0 } else { size };
    let mut at = first;
    for index in 0..count {
        let next = at.wrapping_add(DESCRIPTOR);
        call.set_word(at, OWNER | length << 12 | size)?;
        call.set_word(at.wrapping_add(4), buffer.wrapping_add(block.wrapping_mul(index)))?;
        call.set_word(at.wrapping_add(NEXT), if index + 1 < count { next } else { 0 })?;
        if index + 1 < count {
            at = next;
        }
        call.spend(60);
    }
    call.set_word(to_first, first)?;
    call.set_word(to_last, at)?;
    Ok(Flow::Return)
}

/// `lldesc_num2link(descriptor, number)`: the descriptor that is the number-th from there, which is the first.
pub fn num2link(call: &mut Call<'_>) -> Outcome {
    let mut at = call.argument(0);
    for _ in 0..links(call) {
        at = call.word(at.wrapping_add(NEXT))?;
        call.spend(4);
    }
    call.returns(at)
}

/// `lldesc_set_owner(descriptor, number, owner)`: of so many descriptors from there on.
pub fn set_owner(call: &mut Call<'_>) -> Outcome {
    let mut at = call.argument(0);
    let owner = (call.argument(2) as u8 & 1) << 7;
    for link in 0..=links(call) {
        if link > 0 {
            at = call.word(at.wrapping_add(NEXT))?;
        }
        let flags = call.byte(at.wrapping_add(3))?;
        call.set_byte(at.wrapping_add(3), flags & 0x7F | owner)?;
        call.spend(10);
    }
    Ok(Flow::Return)
}

/// How many links lead to the descriptor with the number that is the second argument.
fn links(call: &Call<'_>) -> u32 {
    call.argument(1).wrapping_sub(1) & 0xFFFF
}
