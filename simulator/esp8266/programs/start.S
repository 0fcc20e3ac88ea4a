/* Where a bare program begins, the instruction by which it speaks to its emulator, and what code generation wants to copy
 * and fill memory with (on the chip the boot ROM has it). */

	.section .text.start, "ax"
	.align	4
.Lstack:
	.word	_stack
.Lprogram:
	.word	program
	.global	_start
	.type	_start, @function
	.align	4
_start:
	l32r	a1, .Lstack
	l32r	a0, .Lprogram
	callx0	a0
1:	j	1b

	/* u32 sim_call(u32 number, u32, u32, u32): arguments are where `simcall` wants them. */
	.section .text.sim_call, "ax"
	.global	sim_call
	.type	sim_call, @function
	.align	4
sim_call:
	simcall
	ret

	/* void *memcpy(void *to, const void *from, size_t length): 16 bytes at a time while both are aligned. */
	.section .text.memcpy, "ax"
	.global	memcpy
	.type	memcpy, @function
	.align	4
memcpy:
	mov	a5, a2
	or	a6, a2, a3
	extui	a6, a6, 0, 2
	bnez	a6, .Lbytes
	srli	a6, a4, 4
	beqz	a6, .Lwords
1:	l32i	a7, a3, 0
	l32i	a8, a3, 4
	l32i	a9, a3, 8
	l32i	a10, a3, 12
	s32i	a7, a5, 0
	s32i	a8, a5, 4
	s32i	a9, a5, 8
	s32i	a10, a5, 12
	addi	a3, a3, 16
	addi	a5, a5, 16
	addi	a6, a6, -1
	bnez	a6, 1b
.Lwords:
	extui	a6, a4, 2, 2
	beqz	a6, .Lrest
2:	l32i	a7, a3, 0
	s32i	a7, a5, 0
	addi	a3, a3, 4
	addi	a5, a5, 4
	addi	a6, a6, -1
	bnez	a6, 2b
.Lrest:
	extui	a4, a4, 0, 2
.Lbytes:
	beqz	a4, 4f
3:	l8ui	a7, a3, 0
	s8i	a7, a5, 0
	addi	a3, a3, 1
	addi	a5, a5, 1
	addi	a4, a4, -1
	bnez	a4, 3b
4:	ret

	/* void *memmove(void *to, const void *from, size_t length) */
	.section .text.memmove, "ax"
	.global	memmove
	.type	memmove, @function
	.align	4
memmove:
	sub	a5, a2, a3
	bltu	a5, a4, 1f
	j	memcpy
1:	beqz	a4, 3f
	add	a5, a2, a4
	add	a6, a3, a4
2:	addi	a5, a5, -1
	addi	a6, a6, -1
	l8ui	a7, a6, 0
	s8i	a7, a5, 0
	bne	a5, a2, 2b
3:	ret

	/* void *memset(void *to, int value, size_t length) */
	.section .text.memset, "ax"
	.global	memset
	.type	memset, @function
	.align	4
memset:
	beqz	a4, 2f
	add	a5, a2, a4
	mov	a6, a2
1:	s8i	a3, a6, 0
	addi	a6, a6, 1
	bne	a6, a5, 1b
2:	ret

	/* int memcmp(const void *, const void *, size_t length), and bcmp */
	.section .text.memcmp, "ax"
	.global	memcmp
	.global	bcmp
	.type	memcmp, @function
	.type	bcmp, @function
	.align	4
memcmp:
bcmp:
	add	a4, a2, a4
1:	beq	a2, a4, 2f
	l8ui	a5, a2, 0
	l8ui	a6, a3, 0
	addi	a2, a2, 1
	addi	a3, a3, 1
	beq	a5, a6, 1b
	sub	a2, a5, a6
	ret
2:	movi	a2, 0
	ret
