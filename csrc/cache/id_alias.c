#include "cache/id_alias.h"

#include "cache/cell.h"
#include "cache/id_pairs.h"
#include "codec/json_writer.h"

/* {"id":"…"}, as it stands behind a field's name. */
static void put_argument(struct aps_buf *out, struct aps_str name, const struct aps_entry *record)
{
	struct aps_json_writer w;
	aps_buf_add_text(out, "({\"");
	aps_buf_add_str(out, name);
	aps_buf_add_text(out, "\":");
	aps_json_writer_init(&w, out);
	aps_json_write_string(&w, aps_key_id(aps_entry_key(record)));
	aps_buf_add_text(out, "})");
	if (w.err.code != APS_OK && out->rc == APS_OK) out->rc = w.err.code;
}

static void refer(struct aps_cache_write *write, struct aps_entry *field, const struct aps_entry *to)
{
	struct aps_buf value;
	if (field == NULL || field->content != NULL) return;
	aps_buf_init(&value, APS_BUF_ANY_SIZE);
	aps_cell_put_ref(&value, to->number);
	if (value.rc != APS_OK) aps_write_fail(write);
	aps_write_set(write, field, aps_buf_str(&value));
	aps_write_report(write, field, 0);
	aps_buf_clear(&value);
}

/* Its one argument; {NULL, 0}: it has none, or several. */
static struct aps_str argument_of(const struct aps_policies *policies, struct aps_str type)
{
	const struct aps_type_policy *policy = aps_policies_find_type(policies, type);
	if (policy == NULL || policy->n_key_fields == 0) return APS_STR("id");
	bool is_name =
	        policy->n_key_fields == 1 && memchr(policy->key_fields[0].p, '.', policy->key_fields[0].n) == NULL;
	return is_name ? policy->key_fields[0] : (struct aps_str){NULL, 0};
}

static void write_lookup(struct aps_cache_write *write, struct aps_str field, struct aps_str argument,
                         const struct aps_entry *from, const struct aps_entry *to)
{
	struct aps_entry *root = aps_write_entry(write, APS_STR("RROOT_QUERY"));
	struct aps_buf key;
	if (root == NULL) return;
	if (root->content == NULL) aps_write_set(write, root, APS_STR(""));
	aps_buf_init(&key, APS_BUF_ANY_SIZE);
	aps_buf_addf(&key, "F%llu.", (unsigned long long)root->number);
	aps_buf_add_str(&key, field);
	put_argument(&key, argument, from);
	if (key.rc != APS_OK) aps_write_fail(write);
	refer(write, aps_write_entry(write, aps_buf_str(&key)), to);
	aps_buf_clear(&key);
}

void aps_alias_write(struct aps_cache_write *write, const struct aps_policies *policies, const struct aps_entry *from,
                     const struct aps_entry *to)
{
	static const char QUERY[] = "Query.";
	struct aps_str type = aps_key_type(aps_entry_key(to)), name;
	size_t cursor = 0, n_query = sizeof QUERY - 1;
	void *state = NULL, *found;
	type = (struct aps_str){type.p + 1, type.n >= 2 ? type.n - 2 : 0};
	struct aps_str argument = argument_of(policies, type);
	while (argument.p != NULL && aps_map_next(&policies->fields, &cursor, &state, &name, &found)) {
		const struct aps_field_policy *policy = found;
		bool is_lookup = policy->lookup.n != 0 && aps_str_eq(policy->lookup, type) && !policy->has_key_args;
		if (!is_lookup || name.n <= n_query || memcmp(name.p, QUERY, n_query) != 0) continue;
		write_lookup(write, (struct aps_str){name.p + n_query, name.n - n_query}, argument, from, to);
	}
}

/* The field's key ends with this argument, and has no other one. */
static bool has_argument(struct aps_str key, const struct aps_entry *from)
{
	const char *open = key.n != 0 ? memchr(key.p, '(', key.n) : NULL;
	struct aps_buf expected;
	if (open == NULL) return false;
	struct aps_str given = {open, (size_t)(key.p + key.n - open)};
	const char *colon = memchr(given.p, ':', given.n);
	if (colon == NULL || colon - open < 4) return false;
	struct aps_str name = {open + 3, (size_t)(colon - open) - 4};
	aps_buf_init(&expected, APS_BUF_ANY_SIZE);
	put_argument(&expected, name, from);
	bool is_same = expected.rc == APS_OK && aps_str_eq(aps_buf_str(&expected), given);
	aps_buf_clear(&expected);
	return is_same;
}

void aps_alias_keep(struct aps_cache_write *write, const struct aps_layer_patch *patch, const struct aps_buf *pairs)
{
	const struct aps_entries *entries = &write->cache->entries;
	struct aps_str rest = {patch->bytes + 1, patch->n_bytes - 1};
	struct aps_cell value;
	bool refers = patch->bytes[0] == 'V' && aps_cell_take(&rest, &value) && value.tag == APS_CELL_REF;
	uint64_t to = refers ? aps_id_pairs_follow(pairs, value.as.entry) : 0;
	if (to != 0 && has_argument(aps_entry_key(patch->entry), aps_entries_peek(entries, value.as.entry)))
		refer(write, patch->entry, aps_entries_peek(entries, to));
}
