/* A cache in memory, written and read by operations given as text. */
#ifndef SPEC_CACHE_WORLD_H
#define SPEC_CACHE_WORLD_H

#include "base/mem.h"
#include "cache/changed.h"
#include "cache/denormalize.h"
#include "cache/normalize.h"
#include "cache/packed_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct aps_cache cache;
	struct aps_policies policies;
	struct aps_cache_write write;
	struct aps_merge merge;
	struct aps_read_source source;
	uint32_t moment;      /* of what is written */
	struct aps_buf stale; /* of the last write */
	struct aps_buf result;
	size_t n_expired;           /* of the last read, at second 1 */
	struct aps_buf changes;     /* "Post:1.title Post:2 …" of the last write */
	struct aps_changed changed; /* by all writes */
};

static struct world world;

static enum aps_rc read_at(struct aps_read_source *source, uint64_t number, struct aps_str *content,
                           struct aps_err *err)
{
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_at(&world.cache.entries, number, &entry, err);
	*content = aps_entry_shown(entry);
	source->is_optimistic = entry != NULL && entry->layered != NULL;
	return rc;
}

static enum aps_rc read_find(struct aps_read_source *source, struct aps_str key, uint64_t *number,
                             struct aps_str *content, struct aps_err *err)
{
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_find(&world.cache.entries, key, &entry, err);
	*number = entry != NULL ? entry->number : 0;
	*content = aps_entry_shown(entry);
	source->is_optimistic = entry != NULL && entry->layered != NULL;
	return rc;
}

static void world_open(void)
{
	world = (struct world){.source = {.at = read_at, .find = read_find}};
	aps_entries_init(&world.cache.entries, 1, NULL);
	aps_names_init(&world.cache.names, 2);
	aps_policies_init(&world.policies, 3);
	aps_buf_init(&world.stale, APS_BUF_ANY_SIZE);
	aps_buf_init(&world.result, APS_BUF_ANY_SIZE);
	aps_buf_init(&world.changes, APS_BUF_ANY_SIZE);
}

static void world_close(void)
{
	aps_write_clear(&world.write);
	aps_merge_clear(&world.merge);
	aps_layers_clear(&world.cache.layers);
	aps_entries_clear(&world.cache.entries);
	aps_names_clear(&world.cache.names);
	aps_policies_clear(&world.policies);
	aps_buf_clear(&world.stale);
	aps_buf_clear(&world.result);
	aps_buf_clear(&world.changes);
	aps_changed_clear(&world.changed);
}

static int setup(void **state)
{
	(void)state;
	world_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close();
	return aps_mem_live() == 0 ? 0 : -1;
}

static struct aps_gql_document *parse(const char *text)
{
	struct aps_gql_document *doc = NULL;
	struct aps_err err;
	if (aps_gql_document_new(aps_str_of(text), &doc, NULL, &err) != APS_OK) fail_msg("%s", err.msg);
	return doc;
}

static void note_changed(void)
{
	for (size_t i = 0; i < aps_write_n_entries(&world.write); i++) {
		const struct aps_entry *entry = aps_write_entry_at(&world.write, i);
		aps_changed_add(&world.changed, entry->number);
		aps_changed_add(&world.changed, entry->hash);
	}
}

static void tell_changes(void)
{
	const struct aps_change *changes = aps_write_changes(&world.write);
	aps_buf_reset(&world.changes);
	for (size_t i = 0; i < aps_write_n_changes(&world.write); i++) {
		struct aps_entry *entry;
		assert_int_equal(aps_entries_at(&world.cache.entries, changes[i].entry, &entry, NULL), APS_OK);
		if (i != 0) aps_buf_add_byte(&world.changes, ' ');
		struct aps_str key = aps_entry_key(entry);
		if (key.n != 0) aps_buf_add(&world.changes, key.p + 1, key.n - 1);
		if (changes[i].name == 0) continue;
		aps_buf_add_byte(&world.changes, '.');
		aps_buf_add_str(&world.changes, aps_names_text(&world.cache.names, changes[i].name));
	}
}

/* Returns what was changed, as text. `layer`: the id of a new one; 0: the base is written. `leaves`: likewise of one
 * that leaves with it. */
static const char *write_to(uint64_t layer, uint64_t leaves, const char *query, const char *variables, const char *data,
                            const struct aps_normalize_options *options)
{
	struct aps_gql_document *doc = parse(query);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
	struct aps_err err = {0};
	struct aps_normalized out;
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	assert_int_equal(
	        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), aps_str_of(variables), &err),
	        APS_OK);
	if (layer != 0)
		aps_write_begin_layer(&world.write, &world.cache, layer);
	else
		aps_write_begin(&world.write, &world.cache);
	if (layer == 0) world.write.moment = world.moment;
	if (leaves != 0) aps_write_leave(&world.write, aps_layers_find(&world.cache.layers, leaves));
	aps_merge_clear(&world.merge);
	assert_true(aps_merge_init(&world.merge, &world.write));
	if (aps_normalize(&world.merge, &binding, aps_str_of(data), options, &out, &err) == APS_OK &&
	    aps_write_settle(&world.write)) {
		tell_changes();
		note_changed();
		aps_write_commit(&world.write);
	} else {
		aps_write_abort(&world.write);
		aps_buf_reset(&world.changes);
		aps_buf_addf(&world.changes, "error: %s", err.msg);
	}
	aps_buf_clear(&world.stale);
	world.stale = out.stale;
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	return world.changes.n != 0 ? world.changes.p : "";
}

static const char *write_with(const char *query, const char *variables, const char *data,
                              const struct aps_normalize_options *options)
{
	return write_to(0, 0, query, variables, data, options);
}

APS_UNUSED static const char *write_layer(uint64_t layer, const char *query, const char *data)
{
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
	return write_to(layer, 0, query, "{}", data, &options);
}

/* What the service answers, with which the layer leaves. */
APS_UNUSED static const char *write_answer(uint64_t leaves, const char *query, const char *data)
{
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
	return write_to(0, leaves, query, "{}", data, &options);
}

APS_UNUSED static const char *write_data(const char *query, const char *variables, const char *data)
{
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
	return write_with(query, variables, data, &options);
}

/* What is packed is the same as the text, which the operation with this binding has read. */
static void assert_packed_is(struct aps_binding *binding, struct aps_read_options options, enum aps_rc rc,
                             const struct aps_read_result *text)
{
	struct aps_err err;
	struct aps_read_result result;
	struct aps_buf out;
	options.is_packed = true;
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_denormalize(&world.source, binding, &options, &result, &err), rc);
	const struct aps_packed packed = {aps_buf_str(&result.data), binding->labels, binding->n_labels};
	if (rc == APS_OK) {
		assert_int_equal(result.n_missing, text->n_missing);
		assert_true(aps_str_eq(aps_buf_str(&result.missing), aps_buf_str(&text->missing)));
	}
	if (rc == APS_OK && (text->n_missing == 0 || options.is_partial)) {
		assert_true(packed_text(&packed, &out));
		assert_string_equal(aps_buf_str(&out).p, aps_buf_str(&text->data).p);
	}
	aps_buf_clear(&out);
	aps_read_result_clear(&result);
}

/* The JSON, or "missing a.b, c". */
static const char *read_with(const char *query, const char *variables, bool is_partial)
{
	struct aps_gql_document *doc = parse(query);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
	struct aps_err err = {0};
	struct aps_read_result result;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_partial = is_partial, .now_s = 1};
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	assert_int_equal(
	        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), aps_str_of(variables), &err),
	        APS_OK);
	enum aps_rc rc = aps_denormalize(&world.source, &binding, &options, &result, &err);
	assert_packed_is(&binding, options, rc, &result);
	aps_buf_reset(&world.result);
	if (rc != APS_OK) {
		aps_buf_addf(&world.result, "error: %s", err.msg);
	} else if (result.n_missing == 0 || is_partial) {
		aps_buf_add_str(&world.result, aps_buf_str(&result.data));
	}
	const char *separator = "missing ";
	for (size_t at = 0; rc == APS_OK && at < result.missing.n; at += strlen(result.missing.p + at) + 1) {
		aps_buf_addf(&world.result, "%s%s", is_partial ? " missing " : separator, result.missing.p + at);
		separator = ", ";
	}
	world.n_expired = result.n_expired;
	aps_read_result_clear(&result);
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	return world.result.n != 0 ? world.result.p : "";
}

APS_UNUSED static const char *read_data(const char *query, const char *variables)
{
	return read_with(query, variables, false);
}

/* What one operation writes another one reads. */
APS_UNUSED static void assert_reads(const char *query, const char *variables, const char *expected)
{
	assert_string_equal(read_data(query, variables), expected);
}

#endif
