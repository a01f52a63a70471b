/* The cache: responses of any bytes are written, and read back by another document; fields get any bytes as their
 * value, as from the application, whose functions tell what records are called and merge fields; then an entry gets any
 * bytes, as from a damaged file, and everything is read, written over, patched, edited and evicted. */
#include "../csrc/cache/packed_text.h"
#include "base/mem.h"
#include "cache/data_shape.h"
#include "cache/denormalize.h"
#include "cache/edit.h"
#include "cache/evict.h"
#include "cache/field_text.h"
#include "cache/normalize.h"
#include "codec/json_reader.h"

#include <stdlib.h>

static const char *const QUERIES[] = {
        "query A($n: Int = 1) { a(n: $n) { id t u { v } ... on B { w } } b { c { id } } d }",
        "query B { a(n: 1) { ...F } b { c { id t } } d } fragment F on Node { id t u { v x } }",
        "query C { b { c { id b { c { id } } } } }",
};

struct world {
	struct aps_cache cache;
	struct aps_policies policies;
	struct aps_cache_write write;
	struct aps_merge merge;
	struct aps_read_source source;
};

static struct world *world;

static enum aps_rc read_at(struct aps_read_source *source, uint64_t number, struct aps_str *content,
                           struct aps_err *err)
{
	struct aps_entry *entry;
	(void)source;
	enum aps_rc rc = aps_entries_at(&world->cache.entries, number, &entry, err);
	*content = aps_entry_shown(entry);
	return rc;
}

static enum aps_rc read_find(struct aps_read_source *source, struct aps_str key, uint64_t *number,
                             struct aps_str *content, struct aps_err *err)
{
	struct aps_entry *entry;
	(void)source;
	enum aps_rc rc = aps_entries_find(&world->cache.entries, key, &entry, err);
	*number = entry != NULL ? entry->number : 0;
	*content = aps_entry_shown(entry);
	return rc;
}

static struct aps_gql_document *document(size_t at)
{
	static struct aps_gql_document *documents[APS_COUNTOF(QUERIES)];
	if (documents[at] == NULL &&
	    aps_gql_document_new(aps_str_of(QUERIES[at]), &documents[at], NULL, NULL) != APS_OK)
		abort();
	return documents[at];
}

static void bind(struct aps_binding *binding, size_t at, bool gives_numbers)
{
	*binding = (struct aps_binding){
	        .policies = &world->policies, .names = &world->cache.names, .gives_numbers = gives_numbers};
	if (aps_binding_init(binding, document(at), aps_gql_document_operation(document(at), 0), APS_STR("{}"), NULL) !=
	    APS_OK)
		abort();
}

/* What the application tells of the objects in a text: of some nothing, of some that they are none. */
static struct aps_asked *tell(struct aps_binding *binding, struct aps_str data)
{
	struct aps_err err;
	struct aps_asked *asked = aps_asked_new();
	if (asked == NULL || aps_asked_scan(asked, binding, data, &err) != APS_OK) {
		aps_asked_unref(asked);
		return NULL;
	}
	for (size_t i = 0; i < aps_asked_count(asked); i++) {
		struct aps_str object = aps_asked_text(asked, i, data);
		if (object.n < 2 || object.p[0] != '{' || object.p[object.n - 1] != '}') abort();
		if (i % 4 != 0) aps_asked_tell(asked, i, (struct aps_str){object.p, i % 4 == 1 ? 0 : object.n});
	}
	return asked;
}

/* What it makes of fields: what was there, or what came. False: nothing is open. */
static bool merge(struct aps_asked_merges *merges)
{
	bool is_any = false;
	for (size_t i = 0; i < aps_asked_merges_count(merges); i++) {
		const struct aps_asked_merge *item = aps_asked_merges_at(merges, i);
		struct aps_buf result;
		if (item->state != APS_MERGE_OPEN) continue;
		aps_buf_init(&result, APS_BUF_ANY_SIZE); /* what it is told moves its text */
		aps_buf_add_str(&result, aps_asked_merges_text(merges, i % 3 != 0 ? item->incoming : item->existing));
		aps_asked_merges_tell(merges, i, aps_buf_str(&result));
		aps_buf_clear(&result);
		is_any = true;
	}
	return is_any;
}

static enum aps_rc write_once(size_t at, uint64_t layer, struct aps_str data, struct aps_asked_merges *merges);

static void write(size_t at, uint64_t layer, struct aps_str data)
{
	struct aps_asked_merges *merges = world->policies.asks_all ? aps_asked_merges_new() : NULL;
	size_t n_rounds = 0;
	while (write_once(at, layer, data, merges) == APS_E_CONFLICT && merge(merges))
		if (++n_rounds > aps_asked_merges_count(merges) + 1) abort(); /* each round settles one more at least */
	aps_asked_merges_unref(merges);
}

static enum aps_rc write_once(size_t at, uint64_t layer, struct aps_str data, struct aps_asked_merges *merges)
{
	struct aps_binding binding;
	struct aps_normalized out;
	struct aps_err err = {0};
	bind(&binding, at, true);
	struct aps_asked *asked = world->policies.asks_all ? tell(&binding, data) : NULL;
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY"), .asked = asked, .merges = merges};
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	if (layer != 0)
		aps_write_begin_layer(&world->write, &world->cache, layer);
	else
		aps_write_begin(&world->write, &world->cache);
	aps_merge_clear(&world->merge);
	if (aps_merge_init(&world->merge, &world->write) &&
	    aps_normalize(&world->merge, &binding, data, &options, &out, &err) == APS_OK &&
	    aps_write_settle(&world->write))
		aps_write_commit(&world->write);
	else
		aps_write_abort(&world->write);
	aps_buf_clear(&out.stale);
	aps_binding_clear(&binding);
	aps_asked_unref(asked);
	return err.code;
}

/* The same packed: whole, whatever an entry has, and what the text says where that is one. */
static void read_packed(struct aps_binding *binding, enum aps_rc rc_of_text, const struct aps_read_result *text,
                        bool is_damaged)
{
	struct aps_read_result result;
	struct aps_buf out;
	struct aps_err err = {0};
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_partial = true, .is_packed = true};
	aps_read_result_init(&result, (size_t)1 << 22);
	aps_buf_init(&out, (size_t)1 << 22);
	enum aps_rc rc = aps_denormalize(&world->source, binding, &options, &result, &err);
	const struct aps_packed packed = {aps_buf_str(&result.data), binding->labels, binding->n_labels};
	if (rc == APS_OK && !packed_text(&packed, &out)) abort();
	bool is_comparable = !is_damaged && rc_of_text == APS_OK;
	if (is_comparable && (rc != APS_OK || !aps_str_eq(aps_buf_str(&out), aps_buf_str(&text->data)))) abort();
	aps_buf_clear(&out);
	aps_read_result_clear(&result);
}

/* What is read is JSON, whatever was written; unless an entry was damaged. */
static void read(size_t at, bool is_damaged)
{
	struct aps_binding binding;
	struct aps_read_result result;
	struct aps_err err = {0};
	struct aps_json_reader r;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_partial = true};
	bind(&binding, at, false);
	aps_read_result_init(&result, (size_t)1 << 20);
	enum aps_rc rc = aps_denormalize(&world->source, &binding, &options, &result, &err);
	aps_json_reader_init(&r, aps_buf_str(&result.data), APS_JSON_MAX_DEPTH);
	if (rc == APS_OK && !is_damaged &&
	    (aps_json_skip_value(&r, NULL) != APS_OK || aps_json_next(&r) != APS_JSON_END))
		abort();
	if (rc != APS_OK && !is_damaged && rc != APS_E_TOO_BIG) abort();
	read_packed(&binding, rc, &result, is_damaged);
	aps_read_result_clear(&result);
	aps_binding_clear(&binding);
}

static void damage(const uint8_t *data, size_t n)
{
	size_t at = n != 0 ? data[0] % (world->cache.entries.n_entries + 1) : 0;
	struct aps_entry *entry = world->cache.entries.newest;
	while (entry != NULL && at-- != 0) entry = entry->older;
	if (entry == NULL || n < 2) return;
	aps_entries_set(&world->cache.entries, entry, aps_strndup((const char *)data + 1, n - 1), n - 1);
}

static void check_json(struct aps_str json)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, APS_JSON_MAX_DEPTH);
	if (aps_json_skip_value(&r, NULL) != APS_OK || aps_json_next(&r) != APS_JSON_END) abort();
}

/* Fields get the value, and are shown as the application sees them; what was shown is a value as well. */
static void edit_fields(struct aps_str value, bool is_damaged)
{
	static const char *const FIELDS[] = {"b", "d", "a({\"n\":1})"};
	struct aps_err err;
	struct aps_edits *edits = aps_edits_new();
	for (size_t i = 0; i < APS_COUNTOF(FIELDS); i++) {
		const struct aps_edit_what what = {
		        .kind = APS_EDIT_SET,
		        .key = APS_STR("ROOT_QUERY"),
		        .field = aps_str_of(FIELDS[i]),
		        .json = value,
		        .is_apart = i == 2,
		};
		if (edits == NULL || !aps_edits_add(edits, &what)) abort();
	}
	aps_write_begin(&world->write, &world->cache);
	aps_merge_clear(&world->merge);
	if (aps_merge_init(&world->merge, &world->write) &&
	    aps_edits_apply(edits, 0, &world->merge, &world->policies, &err) == APS_OK &&
	    aps_write_settle(&world->write))
		aps_write_commit(&world->write);
	else
		aps_write_abort(&world->write);
	aps_edits_unref(edits);
	for (size_t i = 0; i < APS_COUNTOF(FIELDS); i++) {
		struct aps_buf text;
		aps_buf_init(&text, (size_t)1 << 20);
		enum aps_rc rc =
		        aps_field_text(&text, &world->cache, APS_STR("ROOT_QUERY"), aps_str_of(FIELDS[i]), &err);
		if (rc == APS_OK && !is_damaged) check_json(aps_buf_str(&text));
		if (rc != APS_OK && !is_damaged) abort();
		aps_buf_clear(&text);
	}
}

/* Data that was completed is complete. */
static void complete(size_t at, struct aps_str data)
{
	struct aps_binding binding;
	struct aps_buf first, second;
	struct aps_err err;
	bind(&binding, at, false);
	aps_buf_init(&first, (size_t)1 << 20);
	aps_buf_init(&second, (size_t)1 << 20);
	if (aps_data_complete(&first, &binding, APS_STR("T"), data, &err) == APS_OK &&
	    (aps_data_complete(&second, &binding, APS_STR("T"), aps_buf_str(&first), &err) != APS_OK ||
	     !aps_str_eq(aps_buf_str(&first), aps_buf_str(&second))))
		abort();
	aps_buf_clear(&first);
	aps_buf_clear(&second);
	aps_binding_clear(&binding);
}

static void evict(const char *key)
{
	aps_write_begin(&world->write, &world->cache);
	aps_evict(&world->write, aps_str_of(key), APS_STR(""));
	if (aps_write_settle(&world->write))
		aps_write_commit(&world->write);
	else
		aps_write_abort(&world->write);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct world all = {.source = {read_at, read_find}};
	if (n < 2) return 0;
	world = &all;
	aps_entries_init(&all.cache.entries, 1, NULL);
	aps_names_init(&all.cache.names, 2);
	aps_policies_init(&all.policies, 3);
	if (data[1] >= 128) {
		struct aps_field_policy *policy = aps_policies_field(&all.policies, APS_STR("Query"), APS_STR("b"));
		if (policy == NULL) abort();
		policy->merge = APS_MERGE_ASKED;
		all.policies.asks_all = all.policies.asks_merges = true;
	}
	size_t split = 2 + data[0] * (n - 2) / 256;
	struct aps_str first = {(const char *)data + 2, split - 2};
	write(data[1] % 3, 0, first);
	write(data[1] / 3 % 3, 7, first);
	for (size_t at = 0; at < APS_COUNTOF(QUERIES); at++) read(at, false);
	struct aps_str rest = {(const char *)data + split, n - split};
	complete(data[1] % 3, first);
	edit_fields(rest, false);
	for (size_t at = 0; at < APS_COUNTOF(QUERIES); at++) read(at, false);
	damage(data + split, n - split);
	for (size_t at = 0; at < APS_COUNTOF(QUERIES); at++) read(at, true);
	write(data[1] / 9 % 3, 0, first);
	write(data[1] / 27 % 3, 8, first);
	edit_fields(first, true);
	evict("ROOT_QUERY");
	aps_write_clear(&all.write);
	aps_merge_clear(&all.merge);
	aps_layers_clear(&all.cache.layers);
	aps_entries_clear(&all.cache.entries);
	aps_names_clear(&all.cache.names);
	aps_policies_clear(&all.policies);
	return 0;
}
