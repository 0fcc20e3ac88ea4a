//! The heap: for the main future and for what an RSA signature of 2048 bits takes while it is checked. It lies in
//! instruction memory, where a byte takes as long as some 50 words.
//!
//! How much is free, and was at the least, stands in two words for whoever looks at the memory from outside: a
//! debugger, an emulator.

use core::alloc::{GlobalAlloc, Layout};

use embedded_alloc::LlffHeap;

#[global_allocator]
static HEAP: CountedHeap = CountedHeap(LlffHeap::empty());

/// Bytes that are free.
#[unsafe(export_name = "firmware_heap_free")]
static mut FREE: u32 = 0;
/// The least that `FREE` has been.
#[unsafe(export_name = "firmware_heap_least")]
static mut LEAST: u32 = u32::MAX;

unsafe extern "C" {
    /// The linker script's.
    static mut _iram_heap_start: u8;
    /// The linker script's.
    static mut _iram_heap_end: u8;
}

/// A heap that keeps count.
struct CountedHeap(LlffHeap);

/// Gives the heap its memory.
///
/// # Safety
/// Called once, before anything allocates.
pub unsafe fn begin() {
    let (start, end) = (&raw mut _iram_heap_start as usize, &raw mut _iram_heap_end as usize);
    // SAFETY: the linker script keeps the region for this; the rest is the caller's.
    unsafe { HEAP.0.init(start, end - start) };
    HEAP.note();
}

impl CountedHeap {
    fn note(&self) {
        let free = self.0.free() as u32;
        // SAFETY: memory is taken and given back at task level, by one at a time.
        unsafe {
            (&raw mut FREE).write_volatile(free);
            (&raw mut LEAST).write_volatile((&raw const LEAST).read_volatile().min(free));
        }
    }
}

// SAFETY: it is the inner heap, which is one.
unsafe impl GlobalAlloc for CountedHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let memory = unsafe { self.0.alloc(layout) };
        self.note();
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { self.0.dealloc(memory, layout) };
        self.note();
    }
}
