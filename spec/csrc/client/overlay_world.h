/* The application's own edits on both sides: made at the reader, run by the core when the test says so. */
#ifndef APS_SPEC_OVERLAY_WORLD_H
#define APS_SPEC_OVERLAY_WORLD_H

#include "reader_world.h"

/* What was posted and the core hasn't run yet. */
struct posted {
	uint64_t number;
	struct aps_edits *edits;
};

static struct posted posted[256];
static size_t n_posted;
static uint64_t n_run; /* the highest number that the core has run */

APS_UNUSED static void post_edits(void)
{
	struct posted *at = &posted[n_posted++];
	assert_true(n_posted <= APS_COUNTOF(posted));
	at->number = aps_reader_close_edits(world.reader, &at->edits);
	assert_int_not_equal(at->number, 0);
}

/* What the core's turn does with the oldest that waits. */
static enum aps_rc run_edits(struct aps_err *err)
{
	struct posted first = posted[0];
	memmove(posted, posted + 1, --n_posted * sizeof posted[0]);
	enum aps_rc rc = aps_partition_edit(world.partition, first.number, first.edits, err);
	n_run = first.number;
	aps_edits_unref(first.edits);
	return rc;
}

APS_UNUSED static void run_all_edits(void)
{
	struct aps_err err;
	while (n_posted != 0)
		if (run_edits(&err) != APS_OK) fail_msg("%s", err.msg);
}

static void drop_posted(void)
{
	while (n_posted != 0) aps_edits_unref(posted[--n_posted].edits);
}

/* The turn is over. */
static enum aps_rc end_turn(struct aps_err *err)
{
	enum aps_rc rc = aps_vault_commit(world.vault, err);
	aps_channel_decide(world.channel, n_run);
	return rc;
}

static enum aps_rc try_edit(const struct aps_edit_what *what, struct aps_err *err)
{
	return aps_reader_edit(world.reader, what, err);
}

static void edit(const struct aps_edit_what *what)
{
	struct aps_err err;
	if (try_edit(what, &err) != APS_OK) fail_msg("%s", err.msg);
}

static struct aps_edit_what set_of(const char *key, const char *field, const char *json)
{
	return (struct aps_edit_what){
	        .kind = APS_EDIT_SET,
	        .key = aps_str_of(key),
	        .field = aps_str_of(field),
	        .json = aps_str_of(json),
	        .is_apart = strchr(field, '(') != NULL,
	};
}

APS_UNUSED static void set(const char *key, const char *field, const char *json)
{
	const struct aps_edit_what what = set_of(key, field, json);
	edit(&what);
}

APS_UNUSED static void evict(const char *key, const char *field)
{
	const struct aps_edit_what what = {.kind = APS_EDIT_EVICT, .key = aps_str_of(key), .field = aps_str_of(field)};
	edit(&what);
}

/* Of a query; `own` is what is written of it. */
static struct aps_edit_what write_of(const struct aps_operation *operation, const char *own)
{
	return (struct aps_edit_what){
	        .kind = APS_EDIT_WRITE,
	        .key = APS_STR("ROOT_QUERY"),
	        .document = operation->document,
	        .definition = operation->definition,
	        .variables = aps_operation_variables(operation),
	        .json = aps_str_of(own),
	};
}

APS_UNUSED static void write_own(const struct aps_operation *operation, const char *own)
{
	const struct aps_edit_what what = write_of(operation, own);
	edit(&what);
}

static int setup_edits(void **state)
{
	n_posted = 0;
	n_run = 0;
	return setup(state);
}

static int teardown_edits(void **state)
{
	drop_posted();
	return teardown(state);
}

#endif
