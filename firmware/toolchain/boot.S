/* What starts the image that is linked against trap stubs, in place of the vendor's start-up code.
 *
 * The boot ROM jumps to `sdk_boot`. On silicon that says that the image cannot run, and stands still. An emulator
 * recognises the mark behind its first instruction and goes to `sdk_start` instead, which is what the vendor's code does
 * as far as it shows: own vectors, the flash cache, zeroed memory, then our two entry points. It returns to the boot ROM, which runs tasks
 * (`ets_run`). */

	.section .entry.text, "ax"
	.align	4
.Lmessage_at:
	.word	.Lmessage
.Lprintf:
	.word	ets_printf
	.global	sdk_boot
	.type	sdk_boot, @function
	.align	4
sdk_boot:
	j	1f
	.byte	0
	.ascii	"sdk:boot"
	/* What an emulator without symbols needs to know. */
	.word	sdk_start
	.word	pbuf_alloc
	.word	ethernet_input
	.word	cpu_halt
	.word	pbuf_free
	.word	user_iram_memory_is_enabled
1:	l32r	a2, .Lmessage_at
	l32r	a0, .Lprintf
	callx0	a0
2:	j	2b

	.align	4
.Lvectors:
	.word	_text_start
.Lbss_start:
	.word	_bss_start
.Lbss_end:
	.word	_bss_end
.Lmemory:
	.word	user_iram_memory_is_enabled
.Lcache:
	.word	Cache_Read_Enable
.Lpre_init:
	.word	user_pre_init
.Linit:
	.word	user_init
	.global	sdk_start
	.type	sdk_start, @function
	.align	4
sdk_start:
	addi	a1, a1, -16
	s32i	a0, a1, 0
	l32r	a2, .Lvectors
	wsr.vecbase a2
	rsync
	/* Flash behind a cache of 16 KiB, if the program wants the other 16 KiB for memory; it is asked while the cache is off. */
	l32r	a0, .Lmemory
	callx0	a0
	addi	a4, a2, -1
	movi	a5, 1
	movnez	a4, a5, a4
	movi	a2, 0
	movi	a3, 0
	l32r	a0, .Lcache
	callx0	a0
	l32r	a2, .Lbss_start
	l32r	a3, .Lbss_end
	movi	a4, 0
3:	bgeu	a2, a3, 4f
	s32i	a4, a2, 0
	addi	a2, a2, 4
	j	3b
4:	l32r	a0, .Lpre_init
	callx0	a0
	l32r	a0, .Linit
	callx0	a0
	l32i	a0, a1, 0
	addi	a1, a1, 16
	ret

	/* Vectors, at their offsets from VECBASE: debug 0x10, NMI 0x20, kernel 0x30, user 0x50, double 0x70. As in the boot
	 * ROM, the user vector makes a frame and goes where the table at 0x3FFFC000 says; the others have nothing to do here. */
	.section .UserEnter.text, "ax"
	.word	0
	.section .DebugExceptionVector.text, "ax"
	j	.
	.section .NMIExceptionVector.text, "ax"
	j	.
	.section .KernelExceptionVector.text, "ax"
	j	.
	.section .UserExceptionVector.text, "ax"
	j	user_exception
	.section .DoubleExceptionVector.text, "ax"
	j	.

	.section .entry.text
	.align	4
.Ltable:
	.word	0x3FFFC000
	.align	4
user_exception:
	addmi	a1, a1, -256
	s32i	a2, a1, 20
	s32i	a3, a1, 24
	l32r	a3, .Ltable
	rsr.exccause a2
	addx4	a3, a2, a3
	l32i	a3, a3, 0
	s32i	a4, a1, 28
	jx	a3

	/* The boot ROM prints bytewise, so the text lies in data memory. */
	.section .data.boot, "aw"
.Lmessage:
	.asciz	"\npreflash: this image is linked against stubs of the vendor's SDK, for emulators only\n"
