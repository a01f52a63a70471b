#include "sync/id_evidence.h"

#include "codec/json_members.h"
#include "sync/safety.h"
#include "sync/same_json.h"

#define TEXT(name, text) text,
static const char *const NAMES[] = {APS_ID_EVIDENCE_MAP(TEXT)};
#undef TEXT

const char *aps_id_evidence_name(enum aps_id_evidence evidence)
{
	return (unsigned)evidence < APS_ID_EVIDENCE_COUNT ? NAMES[evidence] : "unknown";
}

/* What names a record: no null, list or object. */
static bool is_name(struct aps_str value)
{
	return value.n != 0 && (value.p[0] == '"' || value.p[0] == '-' || (value.p[0] >= '0' && value.p[0] <= '9'));
}

static bool get(struct aps_str object, struct aps_str name, struct aps_str *value)
{
	struct aps_json_members members;
	aps_json_members_init(&members, object);
	return aps_json_members_named(&members, name, value) && is_name(*value);
}

/* The value of its one member; beside it there may be names of the root's type, which are texts. */
static bool only_member(struct aps_str object, struct aps_str *value)
{
	struct aps_json_reader r;
	enum aps_json_token token;
	struct aps_str member;
	*value = (struct aps_str){NULL, 0};
	aps_json_reader_init(&r, object, 0);
	if (object.n == 0 || aps_json_next(&r) != APS_JSON_OBJECT) return false;
	while ((token = aps_json_next(&r)) == APS_JSON_KEY) {
		if (aps_json_skip_value(&r, &member) != APS_OK) return false;
		if (member.p[0] == '"') continue;
		if (value->p != NULL) return false;
		*value = member;
	}
	return value->p != NULL && token == APS_JSON_OBJECT_END;
}

enum aps_id_evidence aps_id_evidence_of(const struct aps_id_evidence_question *q)
{
	struct aps_str made, input = aps_safety_input(q->variables);
	bool differs = false;
	if (q->n_names == 0 || !only_member(q->data, &made)) return APS_ID_EVIDENCE_NONE;
	for (size_t i = 0; i < q->n_names; i++) {
		struct aps_str sent, got;
		size_t budget = APS_SAME_JSON_BYTES;
		bool is_sent = get(input, q->names[i], &sent) || get(q->variables, q->names[i], &sent);
		if (!is_sent || !get(made, q->names[i], &got)) return APS_ID_EVIDENCE_NONE;
		differs = differs || aps_same_json(sent, got, &budget) != APS_SAME_JSON_YES;
	}
	return differs ? APS_ID_EVIDENCE_IGNORED : APS_ID_EVIDENCE_KEPT;
}
