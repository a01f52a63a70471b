#include "proto/retry.h"

#include "codec/timefmt.h"
#include "proto/error_type.h"

/* A wait above this many seconds is no wait; it also keeps the milliseconds within their type. */
#define MAX_RETRY_AFTER_S (INT64_C(366) * 24 * 3600)

static bool is_unavailable(long status)
{
	return status == 408 || status == 500 || status == 502 || status == 503 || status == 504;
}

static bool is_transport_failure(const struct aps_retry_question *q)
{
	return q->status == 0 && !q->is_lasting &&
	       (q->code == APS_E_NETWORK || q->code == APS_E_TIMEOUT || q->code == APS_E_SYSTEM);
}

enum aps_retry_class aps_retry_classify(const struct aps_retry_question *question)
{
	enum aps_error_family family = aps_error_family_of(question->error_type);
	bool is_answered = question->status >= 200 && question->status < 300;
	/* An operation that was answered with 2xx ran, at least in part, whatever its errors say. */
	bool may_repeat = question->is_safe || !is_answered;
	if (family == APS_FAMILY_FORBIDDEN || question->code == APS_E_CONFLICT) return APS_RETRY_NEVER;
	/* AppSync answers a bad signature with 403 and BadRequestException too. */
	if (family == APS_FAMILY_CLOCK_SKEW || (family == APS_FAMILY_BAD_REQUEST && question->status == 403))
		return may_repeat ? APS_RETRY_RESIGN : APS_RETRY_NEVER;
	/* Material that is refused as such is answered with 401: Unauthorized beside 2xx denies a field to this
	 * identity, and fresh material is the same identity's. */
	if (family == APS_FAMILY_AUTH && is_answered) return APS_RETRY_NEVER;
	if (family == APS_FAMILY_AUTH || question->status == 401 ||
	    (question->code == APS_E_AUTH && question->status != 403))
		return may_repeat ? APS_RETRY_REFRESH : APS_RETRY_NEVER;
	if (question->status == 429) return APS_RETRY_LATER;
	if (family == APS_FAMILY_THROTTLED) return may_repeat ? APS_RETRY_LATER : APS_RETRY_NEVER;
	if (is_transport_failure(question) || is_unavailable(question->status) || family == APS_FAMILY_TIMED_OUT)
		return question->is_safe || !question->sent ? APS_RETRY_LATER : APS_RETRY_NEVER;
	return APS_RETRY_NEVER;
}

int64_t aps_retry_after_ms(struct aps_str header, int64_t now_unix_s)
{
	struct aps_str text = aps_str_trim(header);
	if (text.n == 0) return -1;
	int64_t seconds = 0;
	size_t i = 0;
	for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
		if (seconds < MAX_RETRY_AFTER_S) seconds = seconds * 10 + (text.p[i] - '0');
	if (i < text.n) {
		int64_t until = 0;
		if (!aps_time_parse_http(text, &until)) return -1;
		seconds = until > now_unix_s ? until - now_unix_s : 0;
	}
	return (seconds < MAX_RETRY_AFTER_S ? seconds : MAX_RETRY_AFTER_S) * 1000;
}
