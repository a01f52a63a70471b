/* One sequence of UTF-8 (RFC 3629). Inline: the JSON reader's loop over text that isn't ASCII stands on it. */
#ifndef APS_BASE_UTF8_SEQUENCE_H
#define APS_BASE_UTF8_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>

static inline bool aps_utf8_continues(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The length of the sequence at p, whose first byte is not ASCII; 0 when it is malformed (Unicode 15, table 3-7). */
static inline size_t aps_utf8_sequence(const unsigned char *p, size_t left)
{
	unsigned char c = p[0];
	if (c < 0xc2 || c > 0xf4) return 0;
	if (c < 0xe0) return left >= 2 && aps_utf8_continues(p[1]) ? 2 : 0;
	if (c < 0xf0) {
		if (left < 3 || !aps_utf8_continues(p[1]) || !aps_utf8_continues(p[2])) return 0;
		if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f)) return 0;
		return 3;
	}
	if (left < 4 || !aps_utf8_continues(p[1]) || !aps_utf8_continues(p[2]) || !aps_utf8_continues(p[3])) return 0;
	if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f)) return 0;
	return 4;
}

#endif
