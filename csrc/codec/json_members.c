#include "codec/json_members.h"

struct wanted {
	const struct aps_json_reader *key; /* or, where that is NULL, */
	const char *name;                  /* or, likewise, */
	struct aps_str text;
};

static void start(struct aps_json_members *members)
{
	aps_json_reader_init(&members->r, members->object, 0);
	members->is_object = aps_json_next(&members->r) == APS_JSON_OBJECT;
	members->is_at_start = true;
}

void aps_json_members_init(struct aps_json_members *members, struct aps_str object)
{
	*members = (struct aps_json_members){.object = object};
	start(members);
}

static bool is_wanted(const struct aps_json_reader *r, const struct wanted *wanted)
{
	if (wanted->key != NULL) return aps_json_text_eq(wanted->key, r);
	return wanted->name != NULL ? aps_json_text_is(r, wanted->name) : aps_str_eq(r->text, wanted->text);
}

/* To the end of the object. */
static bool search(struct aps_json_members *members, const struct wanted *wanted, struct aps_str *value)
{
	struct aps_json_reader *r = &members->r;
	const char *from = r->at;
	bool is_found = false;
	members->is_at_start = false;
	while (!is_found && aps_json_next(r) == APS_JSON_KEY) {
		bool is_it = is_wanted(r, wanted);
		is_found = aps_json_skip_value(r, value) == APS_OK && is_it;
	}
	members->n_read += (size_t)(r->at - from);
	return is_found;
}

static bool find(struct aps_json_members *members, const struct wanted *wanted, struct aps_str *value)
{
	if (!members->is_object) return false;
	bool is_whole = members->is_at_start;
	if (search(members, wanted, value)) return true;
	start(members);
	return !is_whole && search(members, wanted, value);
}

bool aps_json_members_find(struct aps_json_members *members, const struct aps_json_reader *key, struct aps_str *value)
{
	const struct wanted wanted = {.key = key};
	return find(members, &wanted, value);
}

bool aps_json_members_get(struct aps_json_members *members, const char *zero_terminated, struct aps_str *value)
{
	const struct wanted wanted = {.name = zero_terminated};
	return find(members, &wanted, value);
}

bool aps_json_members_named(struct aps_json_members *members, struct aps_str name, struct aps_str *value)
{
	const struct wanted wanted = {.text = name};
	return find(members, &wanted, value);
}
