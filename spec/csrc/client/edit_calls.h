/* What an optimistic layer, or an application's own write, is made of: a list of edits. Include after cmocka.h. */
#ifndef APS_SPEC_EDIT_CALLS_H
#define APS_SPEC_EDIT_CALLS_H

#include "cache/edit.h"

static struct aps_edits *edits;

static void begin_edits(void)
{
	edits = aps_edits_new();
	assert_non_null(edits);
}

/* `key` "": what a mutation's response has. */
static void write_edit(const char *key, const char *query, const char *json)
{
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(aps_str_of(query), &doc, NULL, NULL), APS_OK);
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_WRITE,
	        .key = aps_str_of(key),
	        .document = doc,
	        .definition = aps_gql_document_operation(doc, 0),
	        .json = aps_str_of(json),
	};
	assert_true(aps_edits_add(edits, &what));
	aps_gql_document_unref(doc);
}

APS_UNUSED static void evict_edit(const char *key)
{
	const struct aps_edit_what what = {.kind = APS_EDIT_EVICT, .key = aps_str_of(key)};
	assert_true(aps_edits_add(edits, &what));
}

static void drop_edits(void)
{
	aps_edits_unref(edits);
	edits = NULL;
}

#endif
