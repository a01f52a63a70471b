/* Time as text, without locale, time zone or libc calendar. */
#ifndef APS_CODEC_TIMEFMT_H
#define APS_CODEC_TIMEFMT_H

#include "base/str.h"
#include <stdbool.h>

#define APS_TIME_AMZ_CHARS 16 /* 20150830T123600Z */
#define APS_TIME_ISO_CHARS 24 /* 2015-08-30T12:36:00.000Z */

APS_BEGIN_DECLS

/* SigV4's long date; the first 8 characters are the short date. The year is within 0000 and 9999. */
void aps_time_format_amz(int64_t unix_s, char out[APS_TIME_AMZ_CHARS + 1]);
/* ISO 8601 in UTC with milliseconds. */
void aps_time_format_iso(int64_t unix_ms, char out[APS_TIME_ISO_CHARS + 1]);
/* An HTTP date (RFC 9110 5.6.7, all three forms). False when it is none. */
bool aps_time_parse_http(struct aps_str text, int64_t *unix_s);
/* ISO 8601 / RFC 3339 with optional fraction and offset ("Z", "+01:00"; none means UTC). */
bool aps_time_parse_iso(struct aps_str text, int64_t *unix_ms);
/* SigV4's long date. */
bool aps_time_parse_amz(struct aps_str text, int64_t *unix_s);

APS_END_DECLS

#endif
