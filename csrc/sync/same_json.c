#include "sync/same_json.h"

#include "codec/json_members.h"

#define MAX_EXACT INT64_C(9007199254740992) /* 2^53: each integer up to there is a double of its own */

static enum aps_same_json same_value(struct aps_str sent, struct aps_str shown, size_t *budget, unsigned depth);

static enum aps_same_json yes_or_no(bool is_same)
{
	return is_same ? APS_SAME_JSON_YES : APS_SAME_JSON_NO;
}

static bool is_number(enum aps_json_token token)
{
	return token == APS_JSON_INT || token == APS_JSON_BIGINT || token == APS_JSON_DOUBLE;
}

static bool spend(size_t *budget, size_t n_bytes)
{
	bool is_enough = n_bytes <= *budget;
	*budget = is_enough ? *budget - n_bytes : 0;
	return is_enough;
}

static bool is_same_number(const struct aps_json_reader *a, enum aps_json_token in_a, const struct aps_json_reader *b,
                           enum aps_json_token in_b)
{
	if (aps_str_eq(a->text, b->text)) return true;
	if (in_a == APS_JSON_INT && in_b == APS_JSON_INT) return a->integer == b->integer;
	if (in_a == APS_JSON_BIGINT && in_b == APS_JSON_BIGINT) return false;
	bool is_exact = in_a != APS_JSON_INT || (a->integer <= MAX_EXACT && a->integer >= -MAX_EXACT);
	bool is_exact_too = in_b != APS_JSON_INT || (b->integer <= MAX_EXACT && b->integer >= -MAX_EXACT);
	bool is_finite = a->number - a->number == 0;
	return is_exact && is_exact_too && is_finite && a->number == b->number;
}

/* Of one object's members in the other one. `is_sent`: it is `one` that was sent. */
static enum aps_same_json same_members(struct aps_str one, struct aps_str other, bool is_sent, size_t *budget,
                                       unsigned depth)
{
	struct aps_json_reader r;
	struct aps_json_members members;
	struct aps_str value, counterpart;
	enum aps_same_json result = APS_SAME_JSON_YES;
	aps_json_reader_init(&r, one, 0);
	aps_json_members_init(&members, other);
	aps_json_next(&r);
	while (aps_json_next(&r) == APS_JSON_KEY) {
		bool is_typename = aps_json_text_is(&r, "__typename");
		bool is_found = aps_json_members_find(&members, &r, &counterpart);
		if (!spend(budget, members.n_read)) return APS_SAME_JSON_UNCLEAR;
		members.n_read = 0;
		if (aps_json_skip_value(&r, &value) != APS_OK) return APS_SAME_JSON_UNCLEAR;
		enum aps_same_json same = APS_SAME_JSON_YES;
		if (is_sent && is_found)
			same = same_value(value, counterpart, budget, depth);
		else if (!is_sent && !is_found && !is_typename)
			same = yes_or_no(aps_str_is(value, "null"));
		if (same == APS_SAME_JSON_NO) return same;
		if (same == APS_SAME_JSON_UNCLEAR) result = same;
	}
	return r.err.code == APS_OK ? result : APS_SAME_JSON_UNCLEAR;
}

/* The next item's text. False: the list ends, or it is no JSON. */
static bool next_item(struct aps_json_reader *r, struct aps_str *item)
{
	struct aps_json_reader ahead = *r;
	enum aps_json_token token = aps_json_next(&ahead);
	if (token == APS_JSON_ARRAY_END || token == APS_JSON_ERROR) {
		*r = ahead;
		return false;
	}
	return aps_json_skip_value(r, item) == APS_OK;
}

/* Both readers stand behind the bracket. */
static enum aps_same_json same_items(struct aps_json_reader *a, struct aps_json_reader *b, size_t *budget,
                                     unsigned depth)
{
	enum aps_same_json result = APS_SAME_JSON_YES;
	for (;;) {
		struct aps_str sent, shown;
		bool has_sent = next_item(a, &sent), has_shown = next_item(b, &shown);
		if (a->err.code != APS_OK || b->err.code != APS_OK) return APS_SAME_JSON_UNCLEAR;
		if (!has_sent || !has_shown) return has_sent == has_shown ? result : APS_SAME_JSON_NO;
		enum aps_same_json same = same_value(sent, shown, budget, depth);
		if (same == APS_SAME_JSON_NO) return same;
		if (same == APS_SAME_JSON_UNCLEAR) result = same;
	}
}

static enum aps_same_json same_objects(struct aps_str sent, struct aps_str shown, size_t *budget, unsigned depth)
{
	enum aps_same_json there = same_members(sent, shown, true, budget, depth);
	if (there == APS_SAME_JSON_NO) return there;
	enum aps_same_json back = same_members(shown, sent, false, budget, depth);
	return back == APS_SAME_JSON_YES ? there : back;
}

static enum aps_same_json same_value(struct aps_str sent, struct aps_str shown, size_t *budget, unsigned depth)
{
	struct aps_json_reader a, b;
	if (depth == APS_SAME_JSON_MAX_DEPTH || !spend(budget, sent.n + shown.n)) return APS_SAME_JSON_UNCLEAR;
	aps_json_reader_init(&a, sent, 0);
	aps_json_reader_init(&b, shown, 0);
	enum aps_json_token in_a = aps_json_next(&a), in_b = aps_json_next(&b);
	if (in_a == APS_JSON_ERROR || in_b == APS_JSON_ERROR) return APS_SAME_JSON_UNCLEAR;
	if (is_number(in_a) && is_number(in_b)) return yes_or_no(is_same_number(&a, in_a, &b, in_b));
	if (is_number(in_a) && in_a != APS_JSON_DOUBLE && in_b == APS_JSON_STRING)
		return yes_or_no(aps_str_eq(a.text, b.text));
	if (in_a != in_b) return APS_SAME_JSON_NO;
	switch (in_a) {
	case APS_JSON_OBJECT: return same_objects(sent, shown, budget, depth + 1);
	case APS_JSON_ARRAY: return same_items(&a, &b, budget, depth + 1);
	case APS_JSON_STRING: return yes_or_no(aps_json_text_eq(&a, &b));
	default: return APS_SAME_JSON_YES; /* true, false, null */
	}
}

enum aps_same_json aps_same_json(struct aps_str sent, struct aps_str shown, size_t *budget)
{
	return same_value(sent, shown, budget, 0);
}
