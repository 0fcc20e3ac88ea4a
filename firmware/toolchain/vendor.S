/* What the vendor's archives miss beside lwIP: two names of their C library. */

	/* void *memchr(const void *from, int byte, unsigned length) */
	.section .irom0.text, "ax"
	.global	memchr
	.type	memchr, @function
	.align	4
memchr:
	extui	a3, a3, 0, 8
	add	a4, a2, a4
1:	beq	a2, a4, 2f
	l8ui	a5, a2, 0
	beq	a5, a3, 3f
	addi	a2, a2, 1
	j	1b
2:	movi	a2, 0
3:	ret
