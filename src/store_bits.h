/*
 * store_bits.h
 *		What reading and writing the bytes of journeys share.  Pure.
 */
#ifndef JP_STORE_BITS_H
#define JP_STORE_BITS_H

#include "pure.h"

/* The first byte: unit of time, classes of spans as bits, a list, version. */
#define JP_JOURNEY_UNIT_MASK		7
#define JP_JOURNEY_CLASS_SHIFT		3
#define JP_JOURNEY_LIST				0x20
#define JP_JOURNEY_VERSION_SHIFT	6
#define JP_JOURNEY_VERSION			1

/* What journeys can be counted in: as much as all their times allow. */
#define JP_JOURNEY_UNITS			6

extern const int64 jp_journey_units[JP_JOURNEY_UNITS];

/* So many ones, 0 to 64. */
static inline uint64
jp_low_bits(int count)
{
	return count == 0 ? 0 : UINT64_MAX >> (64 - count);
}

/* Bits of a number, 0 for 0. */
static inline int
jp_bits_of(uint64 value)
{
	return value == 0 ? 0 : 64 - __builtin_clzll(value);
}

#endif							/* JP_STORE_BITS_H */
