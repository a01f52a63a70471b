#include "sync/page_time.h"

#include "codec/timefmt.h"

#define FIRST_MS   INT64_C(100000000000)    /* a number below it counts seconds */
#define LAST_MS    INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define MAX_DIGITS 15                       /* LAST_MS has as many */
#define ROOM       64                       /* bytes: a longer text is no time */

static int64_t within(int64_t ms)
{
	return ms > 0 && ms <= LAST_MS ? ms : 0;
}

static int64_t scale(int64_t time)
{
	return within(time < FIRST_MS ? time * (time > 0 ? 1000 : 0) : time);
}

static int64_t time_of_text(struct aps_str text)
{
	int64_t time = 0, unix_s;
	struct aps_str fraction;
	if (aps_time_parse_rfc3339(text, &unix_s, &fraction)) {
		for (size_t i = 0; i < 3; i++) time = time * 10 + (i < fraction.n ? fraction.p[i] - '0' : 0);
		return within(unix_s * 1000 + time);
	}
	if (text.n > MAX_DIGITS) return 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') return 0;
		time = time * 10 + (text.p[i] - '0');
	}
	return scale(time);
}

static int64_t time_of_number(double time)
{
	if (time > 0 && time < (double)FIRST_MS) time *= 1000;
	return time > 0 && time <= (double)LAST_MS ? (int64_t)time : 0;
}

int64_t aps_page_time_at(const struct aps_json_reader *r, enum aps_json_token token)
{
	char room[ROOM];
	if (token == APS_JSON_INT) return scale(r->integer);
	if (token == APS_JSON_DOUBLE) return time_of_number(r->number);
	if (token != APS_JSON_STRING || aps_json_unescape_room(r) > sizeof room) return 0;
	return time_of_text((struct aps_str){room, aps_json_unescape_to(r, room)});
}

int64_t aps_page_time_of(struct aps_str json)
{
	struct aps_json_reader r;
	if (json.n == 0) return 0;
	aps_json_reader_init(&r, json, 0);
	return aps_page_time_at(&r, aps_json_next(&r));
}
