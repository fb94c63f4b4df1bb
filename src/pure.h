/*
 * pure.h
 *		Base of the pure cores: inside the server its own types, outside (a
 *		fuzzer, a test program; JP_PURE defined) the same names from C99.
 */
#ifndef JP_PURE_H
#define JP_PURE_H

#ifdef JP_PURE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t uint8;
typedef uint16_t uint16;
typedef int64_t int64;
typedef uint32_t uint32;
typedef uint64_t uint64;

/* Where a long walk may be stopped; what has allocated nothing leaks nothing. */
#define JP_CHECK_FOR_INTERRUPTS()	((void) 0)
#else
#include "postgres.h"
#include "miscadmin.h"

#define JP_CHECK_FOR_INTERRUPTS()	CHECK_FOR_INTERRUPTS()
#endif

#endif							/* JP_PURE_H */
