/* UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF. */
#ifndef APS_CODEC_UTF8_H
#define APS_CODEC_UTF8_H

#include "base/str.h"

APS_BEGIN_DECLS

/* The offset of the first byte that is not UTF-8, or text.n when all of it is. */
size_t aps_utf8_check(struct aps_str text);
/* Passes over whole sequences of two to four bytes; stops at `end`, at an ASCII byte or at a byte that is not UTF-8. */
const char *aps_utf8_skip_wide(const char *p, const char *end);
/* How many bytes at p, where a byte stands that is not UTF-8, are one ill-formed sequence: what a decoder replaces by
 * one U+FFFD (Unicode 15, section 3.9). 1 to 3. */
size_t aps_utf8_broken(const char *p, const char *end);
/* Writes 1 to 4 bytes; returns how many; 0 for a surrogate or a number above U+10FFFF. */
size_t aps_utf8_encode(uint32_t code_point, char out[4]);

APS_END_DECLS

#endif
