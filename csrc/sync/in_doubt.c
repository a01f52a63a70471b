#include "sync/in_doubt.h"

#include "codec/json_members.h"
#include "sync/same_json.h"

#define TEXT(name, text) text,
static const char *const NAMES[] = {APS_IN_DOUBT_MAP(TEXT)};
#undef TEXT

/* What the fields of our input tell. */
struct comparison {
	size_t n_fields; /* without version and identity */
	size_t n_shown;
	bool is_same; /* and none was unclear */
};

const char *aps_in_doubt_name(enum aps_in_doubt judgement)
{
	return (unsigned)judgement < APS_IN_DOUBT_COUNT ? NAMES[judgement] : "unknown";
}

/* What was sent for the service to compare, and is no value of the record. */
static bool is_version(const struct aps_in_doubt_question *q, const struct aps_json_reader *key)
{
	if (aps_json_text_is(key, "expectedVersion") || aps_json_text_is(key, "_version")) return true;
	const char *field = q->safety->version_field;
	return field != NULL && aps_json_text_is(key, field);
}

static bool is_identity(const struct aps_in_doubt_question *q, const struct aps_json_reader *key)
{
	for (size_t i = 0; i < q->n_identity; i++)
		if (aps_json_text_is(key, q->identity[i].field)) return true;
	return false;
}

static bool is_disguised(const struct aps_in_doubt_question *q, const struct aps_json_reader *key)
{
	for (size_t i = 0; i < q->n_disguised; i++)
		if (aps_str_eq(key->text, q->disguised[i])) return true;
	return false;
}

/* An error may be what made it so. What is no JSON hides nothing: that is found out elsewhere. */
static bool has_null(struct aps_str json)
{
	struct aps_json_reader r;
	enum aps_json_token token;
	aps_json_reader_init(&r, json, 0);
	do {
		token = aps_json_next(&r);
	} while (token != APS_JSON_NULL && token != APS_JSON_END && token != APS_JSON_ERROR);
	return token == APS_JSON_NULL;
}

static struct comparison compare(const struct aps_in_doubt_question *q)
{
	struct comparison c = {.is_same = true};
	size_t budget = APS_SAME_JSON_BYTES;
	struct aps_json_reader r;
	struct aps_json_members record;
	struct aps_str sent, shown;
	aps_json_reader_init(&r, aps_safety_input(q->variables), 0);
	aps_json_members_init(&record, q->record);
	enum aps_json_token token = aps_json_next(&r);
	if (token != APS_JSON_OBJECT) c.is_same = false;
	while (c.is_same && (token = aps_json_next(&r)) == APS_JSON_KEY) {
		bool is_ours = !is_version(q, &r), is_name = is_identity(q, &r);
		bool is_shown = is_ours && !is_disguised(q, &r) && aps_json_members_find(&record, &r, &shown) &&
		                !(q->has_errors && has_null(shown));
		if (is_ours && !is_name) c.n_fields++;
		if (is_shown && !is_name) c.n_shown++;
		if (aps_json_skip_value(&r, &sent) != APS_OK || record.n_read > APS_SAME_JSON_BYTES) c.is_same = false;
		if (c.is_same && is_shown) c.is_same = aps_same_json(sent, shown, &budget) == APS_SAME_JSON_YES;
	}
	if (token == APS_JSON_ERROR) c.is_same = false;
	return c;
}

static bool is_deleted(struct aps_str record)
{
	struct aps_json_members members;
	struct aps_str value;
	aps_json_members_init(&members, record);
	return aps_json_members_get(&members, "_deleted", &value) && aps_str_is(value, "true");
}

static bool has_version(struct aps_str record, const char *field, int64_t *version)
{
	struct aps_json_members members;
	struct aps_json_reader r;
	struct aps_str value;
	aps_json_members_init(&members, record);
	if (!aps_json_members_get(&members, field, &value)) return false;
	aps_json_reader_init(&r, value, 0);
	bool is_integer = aps_json_next(&r) == APS_JSON_INT;
	*version = r.integer;
	return is_integer;
}

static enum aps_in_doubt judge_versioned(const struct aps_in_doubt_question *q)
{
	int64_t version;
	if (!has_version(q->record, q->safety->version_field, &version)) return APS_IN_DOUBT_UNKNOWN;
	if (version == q->safety->version) return APS_IN_DOUBT_SEND;
	if (version != q->safety->version + 1) return APS_IN_DOUBT_UNKNOWN;
	bool has_tombstone = is_deleted(q->record);
	if (q->is_delete) return has_tombstone ? APS_IN_DOUBT_APPLIED : APS_IN_DOUBT_UNKNOWN;
	if (has_tombstone) return APS_IN_DOUBT_UNKNOWN;
	struct comparison c = compare(q);
	return c.is_same && c.n_shown != 0 ? APS_IN_DOUBT_APPLIED : APS_IN_DOUBT_UNKNOWN;
}

static enum aps_in_doubt judge_create(const struct aps_in_doubt_question *q)
{
	if (is_deleted(q->record)) return APS_IN_DOUBT_UNKNOWN;
	struct comparison c = compare(q);
	bool is_shown = c.n_shown != 0 || c.n_fields == 0;
	return c.is_same && is_shown ? APS_IN_DOUBT_APPLIED : APS_IN_DOUBT_UNKNOWN;
}

static bool is_object(struct aps_str json)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	return aps_str_starts(json, "{") && aps_json_skip_value(&r, NULL) == APS_OK &&
	       aps_json_next(&r) == APS_JSON_END;
}

enum aps_in_doubt aps_in_doubt_judge(const struct aps_in_doubt_question *question)
{
	struct aps_in_doubt_question q = *question;
	if (q.safety->class == APS_SAFETY_IDEMPOTENT) return APS_IN_DOUBT_SEND;
	bool is_versioned = q.safety->class == APS_SAFETY_VERSIONED;
	if (!is_versioned && (q.safety->class != APS_SAFETY_CREATES || q.is_delete)) return APS_IN_DOUBT_UNKNOWN;
	if (!q.is_read) return APS_IN_DOUBT_UNKNOWN;
	bool is_absent = q.record.n == 0; /* what is blank is no JSON */
	q.record = aps_str_trim(q.record);
	if (is_absent || aps_str_is(q.record, "null")) return q.is_delete ? APS_IN_DOUBT_APPLIED : APS_IN_DOUBT_SEND;
	if (!is_object(q.record)) return APS_IN_DOUBT_UNKNOWN;
	return is_versioned ? judge_versioned(&q) : judge_create(&q);
}
