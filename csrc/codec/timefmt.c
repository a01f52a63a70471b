#include "codec/timefmt.h"

#define DAY_S   INT64_C(86400)
#define FIRST_S (-INT64_C(62167219200)) /* 0000-01-01T00:00:00Z */
#define LAST_S  INT64_C(253402300799)   /* 9999-12-31T23:59:59Z */

struct civil {
	int64_t year;
	int month, day, hour, minute, second;
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar. The year begins in March, so that the leap day is its
 * last. */
static int64_t days_of(int64_t year, int month, int day)
{
	if (month <= 2) year--;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static struct civil civil_of(int64_t unix_s)
{
	int64_t days = unix_s / DAY_S;
	int rest = (int)(unix_s % DAY_S);
	if (rest < 0) {
		rest += (int)DAY_S;
		days--;
	}
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;
	struct civil c;
	c.day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	c.month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	c.year = year_of_era + era * 400 + (c.month <= 2 ? 1 : 0);
	c.hour = rest / 3600;
	c.minute = rest / 60 % 60;
	c.second = rest % 60;
	return c;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Second 60 is legal (a leap second) and counts as the next minute's first. */
static bool seconds_of(const struct civil *c, int64_t *unix_s)
{
	static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (c->month < 1 || c->month > 12 || c->hour > 23 || c->minute > 59 || c->second > 60) return false;
	int last_day = DAYS[c->month - 1] + (c->month == 2 && is_leap(c->year) ? 1 : 0);
	if (c->day < 1 || c->day > last_day) return false;
	*unix_s = days_of(c->year, c->month, c->day) * DAY_S + c->hour * 3600 + c->minute * 60 + c->second;
	return true;
}

static char *put_digits(char *at, int64_t value, int n)
{
	for (int i = n; i-- > 0; value /= 10) at[i] = (char)('0' + value % 10);
	return at + n;
}

static char *put_char(char *at, char c)
{
	*at = c;
	return at + 1;
}

static int64_t within_years(int64_t unix_s)
{
	if (unix_s < FIRST_S) return FIRST_S;
	return unix_s > LAST_S ? LAST_S : unix_s;
}

void aps_time_format_amz(int64_t unix_s, char out[APS_TIME_AMZ_CHARS + 1])
{
	struct civil c = civil_of(within_years(unix_s));
	char *at = put_digits(out, c.year, 4);
	at = put_digits(at, c.month, 2);
	at = put_digits(at, c.day, 2);
	at = put_char(at, 'T');
	at = put_digits(at, c.hour, 2);
	at = put_digits(at, c.minute, 2);
	at = put_digits(at, c.second, 2);
	put_char(put_char(at, 'Z'), '\0');
}

/* Each take_ function moves `text` behind what it read; on failure it leaves it anywhere. */
static bool take_digits(struct aps_str *text, size_t n, int64_t *value)
{
	if (text->n < n) return false;
	*value = 0;
	for (size_t i = 0; i < n; i++) {
		if (text->p[i] < '0' || text->p[i] > '9') return false;
		*value = *value * 10 + (text->p[i] - '0');
	}
	text->p += n;
	text->n -= n;
	return true;
}

static bool take_int(struct aps_str *text, size_t n, int *value)
{
	int64_t wide;
	if (!take_digits(text, n, &wide)) return false;
	*value = (int)wide;
	return true;
}

static bool take_text(struct aps_str *text, const char *wanted)
{
	if (!aps_str_starts(*text, wanted)) return false;
	size_t n = strlen(wanted);
	text->p += n;
	text->n -= n;
	return true;
}

static bool take_month(struct aps_str *text, int *month)
{
	static const char *const NAMES[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	for (int i = 0; i < 12; i++) {
		*month = i + 1;
		if (take_text(text, NAMES[i])) return true;
	}
	return false;
}

static bool take_clock(struct aps_str *text, struct civil *c)
{
	return take_int(text, 2, &c->hour) && take_text(text, ":") && take_int(text, 2, &c->minute) &&
	       take_text(text, ":") && take_int(text, 2, &c->second);
}

/* "06 Nov 1994 08:49:37 GMT", after the day's name */
static bool take_imf_fixdate(struct aps_str *text, struct civil *c)
{
	return take_int(text, 2, &c->day) && take_text(text, " ") && take_month(text, &c->month) &&
	       take_text(text, " ") && take_digits(text, 4, &c->year) && take_text(text, " ") && take_clock(text, c) &&
	       take_text(text, " GMT");
}

/* "06-Nov-94 08:49:37 GMT". The years 70 to 99 are of the 20th century: without a clock here, POSIX's rule stands in
 * for the fifty years of RFC 9110. */
static bool take_rfc850_date(struct aps_str *text, struct civil *c)
{
	bool is_right = take_int(text, 2, &c->day) && take_text(text, "-") && take_month(text, &c->month) &&
	                take_text(text, "-") && take_digits(text, 2, &c->year) && take_text(text, " ") &&
	                take_clock(text, c) && take_text(text, " GMT");
	c->year += c->year < 70 ? 2000 : 1900;
	return is_right;
}

/* "Nov  6 08:49:37 1994" */
static bool take_asctime_date(struct aps_str *text, struct civil *c)
{
	if (!take_month(text, &c->month) || !take_text(text, " ")) return false;
	if (!take_int(text, take_text(text, " ") ? 1 : 2, &c->day)) return false;
	return take_text(text, " ") && take_clock(text, c) && take_text(text, " ") && take_digits(text, 4, &c->year);
}

bool aps_time_parse_http(struct aps_str text, int64_t *unix_s)
{
	static const char *const DAYS[] = {"Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun"};
	struct civil c = {0};
	for (size_t i = 0; i < APS_COUNTOF(DAYS); i++) {
		struct aps_str rest = text;
		bool is_long = take_text(&rest, DAYS[i]) && take_text(&rest, "day, ");
		if (is_long) return take_rfc850_date(&rest, &c) && rest.n == 0 && seconds_of(&c, unix_s);
		char short_name[4] = {DAYS[i][0], DAYS[i][1], DAYS[i][2], '\0'};
		rest = text;
		if (!take_text(&rest, short_name)) continue;
		bool is_right = take_text(&rest, ", ")  ? take_imf_fixdate(&rest, &c)
		                : take_text(&rest, " ") ? take_asctime_date(&rest, &c)
		                                        : false;
		return is_right && rest.n == 0 && seconds_of(&c, unix_s);
	}
	return false;
}

bool aps_time_parse_amz(struct aps_str text, int64_t *unix_s)
{
	struct civil c = {0};
	return take_digits(&text, 4, &c.year) && take_int(&text, 2, &c.month) && take_int(&text, 2, &c.day) &&
	       take_text(&text, "T") && take_int(&text, 2, &c.hour) && take_int(&text, 2, &c.minute) &&
	       take_int(&text, 2, &c.second) && take_text(&text, "Z") && text.n == 0 && seconds_of(&c, unix_s);
}

static bool take_either(struct aps_str *text, const char *one, const char *other)
{
	return take_text(text, one) || take_text(text, other);
}

static struct aps_str take_run(struct aps_str *text)
{
	struct aps_str run = {text->p, 0};
	while (run.n < text->n && text->p[run.n] >= '0' && text->p[run.n] <= '9') run.n++;
	text->p += run.n;
	text->n -= run.n;
	return run;
}

/* "Z" or "+01:00"; AppSync's scalars may have seconds there as well. */
static bool take_offset(struct aps_str *text, int *offset_s)
{
	int hour, minute, second = 0;
	*offset_s = 0;
	if (take_either(text, "Z", "z")) return true;
	bool is_behind = aps_str_starts(*text, "-");
	if (!take_either(text, "+", "-") || !take_int(text, 2, &hour) || !take_text(text, ":") ||
	    !take_int(text, 2, &minute) || hour > 23 || minute > 59)
		return false;
	if (take_text(text, ":") && (!take_int(text, 2, &second) || second > 59)) return false;
	*offset_s = (hour * 60 + minute) * 60 + second;
	if (is_behind) *offset_s = -*offset_s;
	return true;
}

bool aps_time_parse_rfc3339(struct aps_str text, int64_t *unix_s, struct aps_str *fraction)
{
	struct civil c = {0};
	int64_t local_s;
	int offset_s;
	*fraction = (struct aps_str){text.p, 0};
	if (!take_digits(&text, 4, &c.year) || !take_text(&text, "-") || !take_int(&text, 2, &c.month) ||
	    !take_text(&text, "-") || !take_int(&text, 2, &c.day) || !take_either(&text, "T", "t") ||
	    !take_int(&text, 2, &c.hour) || !take_text(&text, ":") || !take_int(&text, 2, &c.minute))
		return false;
	if (take_text(&text, ":")) {
		if (!take_int(&text, 2, &c.second)) return false;
		if (take_text(&text, ".")) *fraction = take_run(&text);
	}
	if (!take_offset(&text, &offset_s) || text.n != 0 || !seconds_of(&c, &local_s)) return false;
	*unix_s = local_s - offset_s;
	return true;
}
