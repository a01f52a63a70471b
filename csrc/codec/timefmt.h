/* Time as text, without locale, time zone or libc calendar. */
#ifndef APS_CODEC_TIMEFMT_H
#define APS_CODEC_TIMEFMT_H

#include "base/str.h"
#include <stdbool.h>

#define APS_TIME_AMZ_CHARS 16 /* 20150830T123600Z */

APS_BEGIN_DECLS

/* SigV4's long date; the first 8 characters are the short date. The year is within 0000 and 9999. */
void aps_time_format_amz(int64_t unix_s, char out[APS_TIME_AMZ_CHARS + 1]);
/* An HTTP date (RFC 9110 5.6.7, all three forms). False when it is none. */
bool aps_time_parse_http(struct aps_str text, int64_t *unix_s);
/* SigV4's long date. */
bool aps_time_parse_amz(struct aps_str text, int64_t *unix_s);

/* A date-time of RFC 3339, or an AWSDateTime, which may omit the seconds and may have some in its offset. *fraction:
 * the digits of the second's fraction, in the text. Second 60 counts as the next minute's first. */
bool aps_time_parse_rfc3339(struct aps_str text, int64_t *unix_s, struct aps_str *fraction);

APS_END_DECLS

#endif
