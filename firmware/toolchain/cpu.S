/* What Rust cannot say of an LX106: special registers, another stack, and narrow loads from flash.
 *
 * Stock rustc has no inline assembler for Xtensa, so these are functions (call0: arguments from a2 on, result in a2,
 * a12 to a15 are the caller's). They lie in instruction memory, because some are needed while flash is not to be waited
 * for. Literals stand in front of their function. Xtensa ISA Reference Manual; exception frame: boot ROM (XTOS). */

	.section .iram.text, "ax"

	/* u32 cpu_mask_interrupts(): PS as it was; from now on only the NMI gets through. */
	.global	cpu_mask_interrupts
	.type	cpu_mask_interrupts, @function
	.align	4
cpu_mask_interrupts:
	rsil	a2, 3
	ret

	/* void cpu_restore_interrupts(u32 status) */
	.global	cpu_restore_interrupts
	.type	cpu_restore_interrupts, @function
	.align	4
cpu_restore_interrupts:
	wsr.ps	a2
	rsync
	ret

	/* u32 cpu_cycles() */
	.global	cpu_cycles
	.type	cpu_cycles, @function
	.align	4
cpu_cycles:
	rsr.ccount a2
	ret

	/* u32 cpu_swap_intenable(u32 mask): INTENABLE as it was. */
	.global	cpu_swap_intenable
	.type	cpu_swap_intenable, @function
	.align	4
cpu_swap_intenable:
	xsr.intenable a2
	rsync
	ret

	/* u32 cpu_interrupt(): pending interrupts. */
	.global	cpu_interrupt
	.type	cpu_interrupt, @function
	.align	4
cpu_interrupt:
	rsr.interrupt a2
	ret

	/* void cpu_intclear(u32 mask) */
	.global	cpu_intclear
	.type	cpu_intclear, @function
	.align	4
cpu_intclear:
	wsr.intclear a2
	rsync
	ret

	/* void cpu_call_on_stack(void (*function)(void *), void *argument, u8 *top) */
	.global	cpu_call_on_stack
	.type	cpu_call_on_stack, @function
	.align	4
cpu_call_on_stack:
	addi	a4, a4, -16
	s32i	a0, a4, 0
	s32i	a1, a4, 4
	mov	a1, a4
	mov	a5, a2
	mov	a2, a3
	callx0	a5
	l32i	a0, a1, 0
	l32i	a1, a1, 4
	ret

	/* void cpu_halt(): nothing gets through but the NMI and, in the end, the watchdog. */
	.global	cpu_halt
	.type	cpu_halt, @function
	.align	4
cpu_halt:
	rsil	a2, 3
1:	j	1b

	/* void cpu_see_to_narrow_accesses(): puts `narrow_access` into the table for EXCCAUSE 3, LoadStoreError. */
	.align	4
.Lentry:
	.word	0x3FFFC000 + 4 * 3
.Lhandler:
	.word	narrow_access
.Lprevious:
	.word	narrow_access_previous
	.global	cpu_see_to_narrow_accesses
	.type	cpu_see_to_narrow_accesses, @function
	.align	4
cpu_see_to_narrow_accesses:
	l32r	a2, .Lentry
	l32r	a3, .Lhandler
	l32i	a4, a2, 0
	beq	a4, a3, 1f
	l32r	a5, .Lprevious
	s32i	a4, a5, 0
	s32i	a3, a2, 0
1:	ret

	/* L8UI, L16UI and L16SI from ROM, instruction memory and flash, S8I and S16I to instruction memory raise
	 * LoadStoreError: those buses have words only. Does what they should have done and returns behind them. Everything
	 * else goes to the handler that was there before.
	 *
	 * On entry the vector has made a frame of 256 bytes on the stack and saved a2, a3 and a4 at 20, 24 and 28 in it. */
	.align	4
.Lprevious_again:
	.word	narrow_access_previous
.Linto_at:
	.word	.Linto
.Lfrom_at:
	.word	.Lfrom
	.type	narrow_access, @function
	.align	4
narrow_access:
	s32i	a5, a1, 32
	rsr.sar	a2
	s32i	a2, a1, 8
	/* Is it an address of 0x400xxxxx to 0x402xxxxx? */
	rsr.excvaddr a3
	extui	a4, a3, 20, 12
	addmi	a4, a4, -0x400
	bgeui	a4, 3, .Lother
	/* The instruction, which may lie across two words. */
	rsr.epc1 a2
	srli	a4, a2, 2
	slli	a4, a4, 2
	l32i	a5, a4, 0
	l32i	a4, a4, 4
	ssa8l	a2
	src	a4, a4, a5
	/* op0 = 2, and r says which: 0 L8UI, 1 L16UI, 9 L16SI, 4 S8I, 5 S16I. */
	extui	a5, a4, 0, 4
	bnei	a5, 2, .Lother
	extui	a5, a4, 12, 4
	beqi	a5, 4, .Lfetch
	beqi	a5, 5, .Lfetch
	/* A load: the word around it, shifted down. */
	srli	a2, a3, 2
	slli	a2, a2, 2
	l32i	a2, a2, 0
	ssa8l	a3
	srl	a2, a2
	beqz	a5, .Lbyte
	beqi	a5, 1, .Lhalf
	addi	a5, a5, -9
	bnez	a5, .Lother
	slli	a2, a2, 16
	srai	a2, a2, 16
	j	.Lloaded
.Lbyte:
	extui	a2, a2, 0, 8
	j	.Lloaded
.Lhalf:
	extui	a2, a2, 0, 16
.Lloaded:
	rsr.epc1 a3
	addi	a3, a3, 3
	wsr.epc1 a3
	l32i	a3, a1, 8
	wsr.sar	a3
	rsync
	/* Into register t: a jump into a row of moves, eight bytes apart. */
	extui	a4, a4, 4, 4
	l32r	a3, .Linto_at
	addx8	a3, a4, a3
	l32i	a5, a1, 32
	jx	a3
	.align	8
.Linto:
	mov	a0, a2
	j	.Lreturn
	.align	8
	/* Nobody loads a byte into the stack pointer. */
	j	.Lother
	.align	8
	s32i	a2, a1, 20
	j	.Lreturn
	.align	8
	s32i	a2, a1, 24
	j	.Lreturn
	.align	8
	s32i	a2, a1, 28
	j	.Lreturn
	.irp	register, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15
	.align	8
	mov	\register, a2
	j	.Lreturn
	.endr

	/* A store: only to instruction memory, 0x401xxxxx. Register t through another row of moves. */
.Lfetch:
	extui	a5, a3, 20, 1
	beqz	a5, .Lother
	extui	a2, a4, 4, 4
	l32r	a5, .Lfrom_at
	addx8	a5, a2, a5
	jx	a5
	.align	8
.Lfrom:
	mov	a5, a0
	j	.Lstore
	.align	8
	addmi	a5, a1, 256
	j	.Lstore
	.align	8
	l32i	a5, a1, 20
	j	.Lstore
	.align	8
	l32i	a5, a1, 24
	j	.Lstore
	.align	8
	l32i	a5, a1, 28
	j	.Lstore
	.align	8
	l32i	a5, a1, 32
	j	.Lstore
	.irp	register, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15
	.align	8
	mov	a5, \register
	j	.Lstore
	.endr
.Lstore:
	/* The lowest bit of r tells a half word from a byte. */
	movi	a2, 0xFF
	bbci	a4, 12, 1f
	movi	a2, -1
	extui	a2, a2, 0, 16
1:	and	a5, a5, a2
	ssa8b	a3
	sll	a5, a5
	sll	a2, a2
	srli	a3, a3, 2
	slli	a3, a3, 2
	l32i	a4, a3, 0
	or	a4, a4, a2
	xor	a4, a4, a2
	or	a4, a4, a5
	s32i	a4, a3, 0
	rsr.epc1 a3
	addi	a3, a3, 3
	wsr.epc1 a3
	l32i	a3, a1, 8
	wsr.sar	a3
	l32i	a5, a1, 32
	rsync
.Lreturn:
	l32i	a2, a1, 20
	l32i	a3, a1, 24
	l32i	a4, a1, 28
	addmi	a1, a1, 256
	rfe
.Lother:
	l32i	a2, a1, 8
	wsr.sar	a2
	l32i	a5, a1, 32
	l32r	a3, .Lprevious_again
	l32i	a3, a3, 0
	rsr.exccause a2
	jx	a3

	/* The handler that was there before. */
	.section .bss.narrow_access_previous, "aw", @nobits
	.align	4
narrow_access_previous:
	.space	4
