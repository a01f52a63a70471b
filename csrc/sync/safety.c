#include "sync/safety.h"

#include "codec/json_members.h"
#include "sync/same_json.h"

#define MAX_VERSION INT64_C(9007199254740992) /* 2^53 */

#define TEXT(name, text) text,
static const char *const NAMES[] = {APS_SAFETY_MAP(TEXT)};
#undef TEXT

static const struct {
	const char *argument;
	const char *field;
} CONVENTIONS[] = {
        {"expectedVersion", "version"},
        {"_version", "_version"},
};

const char *aps_safety_name(enum aps_safety_class class)
{
	return (unsigned)class < APS_SAFETY_COUNT ? NAMES[class] : "unknown";
}

struct aps_str aps_safety_input(struct aps_str variables)
{
	struct aps_json_members members;
	struct aps_str input;
	aps_json_members_init(&members, variables);
	if (aps_json_members_get(&members, "input", &input) && input.p[0] == '{') return input;
	return variables;
}

/* Lua has numbers that are floats and integral all the same. */
static bool read_version(struct aps_str json, int64_t *version)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	enum aps_json_token token = aps_json_next(&r);
	if (token != APS_JSON_INT && token != APS_JSON_DOUBLE) return false;
	if (!(r.number >= 0 && r.number <= (double)MAX_VERSION)) return false;
	*version = token == APS_JSON_INT ? r.integer : (int64_t)r.number;
	return *version <= MAX_VERSION && (double)*version == r.number;
}

/* The values of members that are called as the conventions have it; p NULL: there is none. Each once. */
static void find_arguments(struct aps_str object, struct aps_str values[APS_COUNTOF(CONVENTIONS)])
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, object, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return;
	while (aps_json_next(&r) == APS_JSON_KEY) {
		struct aps_str *found = NULL, value;
		for (size_t i = 0; i < APS_COUNTOF(CONVENTIONS); i++)
			if (aps_json_text_is(&r, CONVENTIONS[i].argument)) found = &values[i];
		if (aps_json_skip_value(&r, &value) == APS_OK && found != NULL && found->p == NULL) *found = value;
	}
}

/* False: two were found that differ. */
static bool find_version(struct aps_str object, struct aps_safety *safety)
{
	struct aps_str values[APS_COUNTOF(CONVENTIONS)] = {{NULL, 0}};
	find_arguments(object, values);
	for (size_t i = 0; i < APS_COUNTOF(CONVENTIONS); i++) {
		int64_t version;
		if (values[i].p == NULL || !read_version(values[i], &version)) continue;
		if (safety->has_version && safety->version != version) return false;
		if (safety->has_version) continue;
		safety->has_version = true;
		safety->version = version;
		safety->version_argument = CONVENTIONS[i].argument;
		safety->version_field = CONVENTIONS[i].field;
	}
	return true;
}

static bool is_name(struct aps_str value)
{
	return value.n != 0 && (value.p[0] == '"' || value.p[0] == '-' || (value.p[0] >= '0' && value.p[0] <= '9'));
}

static bool holds(struct aps_str object, const struct aps_identity_part *part)
{
	struct aps_json_members members;
	struct aps_str value;
	size_t budget = APS_SAME_JSON_BYTES;
	aps_json_members_init(&members, object);
	if (!aps_json_members_get(&members, part->field, &value) || !is_name(value)) return false;
	return aps_same_json(value, part->value, &budget) == APS_SAME_JSON_YES;
}

static bool holds_made(const struct aps_safety_question *q, struct aps_str input)
{
	for (size_t i = 0; i < q->n_made; i++)
		if (!holds(input, &q->made[i]) && !holds(q->variables, &q->made[i])) return false;
	return q->n_made != 0;
}

/* The version is of a record that is sent by some name. One that is made without its name being sent is another one:
 * that it can't be found says nothing. */
static bool mentions(struct aps_str json, struct aps_str value)
{
	struct aps_json_reader name, r;
	enum aps_json_token token;
	aps_json_reader_init(&name, value, 0);
	bool is_text = aps_json_next(&name) == APS_JSON_STRING;
	aps_json_reader_init(&r, json, 0);
	do {
		token = aps_json_next(&r);
		bool is_number = token == APS_JSON_INT || token == APS_JSON_BIGINT || token == APS_JSON_DOUBLE;
		if (is_text && token == APS_JSON_STRING && aps_json_text_eq(&r, &name)) return true;
		if (is_number && aps_str_eq(r.text, name.text)) return true;
	} while (token != APS_JSON_END && token != APS_JSON_ERROR);
	return false;
}

static bool mentions_made(const struct aps_safety_question *q)
{
	for (size_t i = 0; i < q->n_made; i++)
		if (!mentions(q->variables, q->made[i].value)) return false;
	return true;
}

struct aps_safety aps_safety_of(const struct aps_safety_question *question)
{
	struct aps_safety safety = {.class = APS_SAFETY_NOT_SAFE};
	struct aps_str input = aps_safety_input(question->variables);
	bool is_clear = find_version(input, &safety);
	if (is_clear && input.p != question->variables.p) is_clear = find_version(question->variables, &safety);
	if (!is_clear) safety = (struct aps_safety){.class = APS_SAFETY_NOT_SAFE};
	if (question->is_idempotent)
		safety.class = APS_SAFETY_IDEMPOTENT;
	else if (question->n_roots > 1)
		safety.class = APS_SAFETY_NOT_SAFE;
	else if (safety.has_version && safety.version > 0)
		safety.class = mentions_made(question) ? APS_SAFETY_VERSIONED : APS_SAFETY_NOT_SAFE;
	else if (holds_made(question, input))
		safety.class = APS_SAFETY_CREATES;
	return safety;
}
