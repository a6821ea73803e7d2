//! Whether the tiles may be used: the processor has them, and the system keeps them for this process.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// Whether processor and system have tiles of 16 rows × 64 bytes with int8 products, and this process may use them.
///
/// Linux keeps the 8 KiB of tile data for processes that ask for it (Documentation/arch/x86/xstate.rst); threads share
/// the answer.
pub(crate) fn usable() -> bool {
    processor_has_tiles() && system_saves_tiles() && permitted()
}

fn processor_has_tiles() -> bool {
    const TILE: u32 = 1 << 24;
    const INT8: u32 = 1 << 25;
    if __cpuid(0).eax < 0x1D || __cpuid_count(7, 0).edx & (TILE | INT8) != TILE | INT8 {
        return false;
    }
    // Palette 1: bytes of a row and number of registers, then rows.
    let (palette, highest) = (__cpuid_count(0x1D, 1), __cpuid_count(0x1D, 0).eax);
    highest >= 1 && palette.ebx & 0xFFFF >= 64 && palette.ebx >> 16 >= 8 && palette.ecx & 0xFFFF >= 16
}

fn system_saves_tiles() -> bool {
    const OSXSAVE: u32 = 1 << 27;
    const TILE_STATE: u64 = 3 << 17;
    // SAFETY: the system has turned XGETBV on.
    __cpuid(1).ecx & OSXSAVE != 0 && unsafe { saved_state() } & TILE_STATE == TILE_STATE
}

#[target_feature(enable = "xsave")]
fn saved_state() -> u64 {
    // SAFETY: register 0 exists wherever the instruction does.
    unsafe { _xgetbv(0) }
}

fn permitted() -> bool {
    const ARCH_PRCTL: isize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let result: isize;
    // SAFETY: this call of Linux on x86-64 takes two numbers, touches no memory of ours and returns in rax.
    unsafe {
        asm!("syscall", inlateout("rax") ARCH_PRCTL => result, in("rdi") ARCH_REQ_XCOMP_PERM, in("rsi") XFEATURE_XTILEDATA,
             out("rcx") _, out("r11") _, options(nostack));
    }
    result == 0
}
