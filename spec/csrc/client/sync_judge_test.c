/* What becomes of a record that a page or an event brings, by what is known of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/question.h"
#include "syncing_world.h"

#define UNKNOWN NULL
#define NO_TOMB NULL, NULL

struct row {
	const char *known;            /* version of the record in the cache, JSON; "": it has none */
	const char *dead, *dead_at;   /* of a tombstone */
	const char *members;          /* of the record that comes, behind its id */
	enum aps_sync_fate fate;      /* in a delta page, */
	enum aps_sync_fate fate_live; /* and as an event */
};

#define SAME_BOTH(fate)    APS_SYNC_IS_##fate, APS_SYNC_IS_##fate
#define LIVE_PARTIAL(fate) APS_SYNC_IS_##fate, APS_SYNC_IS_PARTIAL

static const struct row ROWS[] = {
        /* nothing is known */
        {UNKNOWN, NO_TOMB, ",\"_version\":1", SAME_BOTH(NEW)},
        {UNKNOWN, NO_TOMB, "", SAME_BOTH(NEW)},
        {UNKNOWN, NO_TOMB, ",\"_version\":null", SAME_BOTH(NEW)},
        {UNKNOWN, NO_TOMB, ",\"_version\":1,\"_deleted\":true", SAME_BOTH(DELETED)},
        {UNKNOWN, NO_TOMB, ",\"_deleted\":true", SAME_BOTH(DELETED)},
        {UNKNOWN, NO_TOMB, ",\"_version\":1,\"_deleted\":false", SAME_BOTH(NEW)},
        /* a version is */
        {"2", NO_TOMB, ",\"_version\":3", SAME_BOTH(NEW)},
        {"2", NO_TOMB, ",\"_version\":2", SAME_BOTH(SAME)},
        {"2", NO_TOMB, ",\"_version\":1", SAME_BOTH(OLD)},
        {"9", NO_TOMB, ",\"_version\":10", SAME_BOTH(NEW)},
        {"2", NO_TOMB, "", LIVE_PARTIAL(SAME)},
        {"2", NO_TOMB, ",\"_version\":null", LIVE_PARTIAL(SAME)},
        {"2", NO_TOMB, ",\"_version\":\"x\"", SAME_BOTH(SAME)},
        {"2", NO_TOMB, ",\"_version\":3,\"_deleted\":true", SAME_BOTH(DELETED)},
        {"2", NO_TOMB, ",\"_version\":2,\"_deleted\":true", SAME_BOTH(DELETED)},
        {"2", NO_TOMB, ",\"_version\":1,\"_deleted\":true", SAME_BOTH(OLD)},
        {"2", NO_TOMB, ",\"_deleted\":true", SAME_BOTH(DELETED)},
        {"9007199254740993", NO_TOMB, ",\"_version\":9007199254740992", SAME_BOTH(OLD)},
        {"\"2024-01-01T00:00:00.5Z\"", NO_TOMB, ",\"_version\":\"2024-01-01T00:00:00.25Z\"", SAME_BOTH(OLD)},
        {"\"2024-01-01T00:00:00Z\"", NO_TOMB, ",\"_version\":\"2024-01-01T01:00:00+01:00\"", SAME_BOTH(SAME)},
        /* a record without one is */
        {"", NO_TOMB, ",\"_version\":1", SAME_BOTH(SAME)},
        {"", NO_TOMB, "", LIVE_PARTIAL(SAME)},
        {"null", NO_TOMB, ",\"_version\":1", SAME_BOTH(SAME)},
        {"", NO_TOMB, ",\"_version\":1,\"_deleted\":true", SAME_BOTH(DELETED)},
        /* it was deleted */
        {UNKNOWN, "5", "1005", ",\"_version\":6,\"_lastChangedAt\":1006", SAME_BOTH(NEW)},
        {UNKNOWN, "5", "1005", ",\"_version\":5,\"_lastChangedAt\":1005", SAME_BOTH(OLD)},
        {UNKNOWN, "5", "1005", ",\"_version\":4,\"_lastChangedAt\":1004", SAME_BOTH(OLD)},
        {UNKNOWN, "5", "1005", ",\"_version\":6", SAME_BOTH(NEW)},
        {UNKNOWN, "5", "1005", ",\"_version\":5", SAME_BOTH(OLD)},
        {UNKNOWN, "5", "1005", "", APS_SYNC_IS_NEW, APS_SYNC_IS_OLD}, /* a part brings nothing back */
        {UNKNOWN, "5", "1005", ",\"_lastChangedAt\":1004", SAME_BOTH(OLD)},
        {UNKNOWN, "5", "1005", ",\"_lastChangedAt\":1005", APS_SYNC_IS_NEW, APS_SYNC_IS_OLD},
        {UNKNOWN, "5", "1005", ",\"_lastChangedAt\":1006", SAME_BOTH(NEW)},
        {UNKNOWN, "5", "1005", ",\"_version\":6,\"_deleted\":true", SAME_BOTH(DELETED)},
        {UNKNOWN, "5", "1005", ",\"_version\":5,\"_deleted\":true", SAME_BOTH(DELETED)},
        {UNKNOWN, "5", "1005", ",\"_version\":4,\"_deleted\":true", SAME_BOTH(OLD)},
        /* and made anew, from version 1 on */
        {UNKNOWN, "5", "1005", ",\"_version\":1,\"_lastChangedAt\":2000", SAME_BOTH(NEW)},
        {UNKNOWN, "5", "1005", ",\"_version\":1,\"_lastChangedAt\":1005", SAME_BOTH(OLD)},
        {UNKNOWN, "5", "1005", ",\"_version\":1,\"_lastChangedAt\":null", SAME_BOTH(OLD)},
        {UNKNOWN, "5", "", ",\"_version\":1,\"_lastChangedAt\":2000", SAME_BOTH(OLD)},
        {UNKNOWN, "5", "1005", ",\"_version\":2,\"_lastChangedAt\":2000,\"_deleted\":true", SAME_BOTH(DELETED)},
        /* nobody knows in which version */
        {UNKNOWN, "", "", ",\"_version\":1", SAME_BOTH(NEW)},
        {UNKNOWN, "", "", ",\"_version\":1,\"_deleted\":true", SAME_BOTH(DELETED)},
        {UNKNOWN, "", "1005", ",\"_version\":1,\"_lastChangedAt\":2000", SAME_BOTH(NEW)},
        /* what is there is newer than its deletion */
        {"7", "5", "1005", ",\"_version\":6", SAME_BOTH(OLD)},
        {"7", "5", "1005", ",\"_version\":8", SAME_BOTH(NEW)},
        {"7", "5", "1005", ",\"_version\":7", SAME_BOTH(SAME)},
        {"7", "5", "1005", "", LIVE_PARTIAL(SAME)},
        /* or isn't: somebody was answered what was before it */
        {"4", "5", "1005", ",\"_version\":4", SAME_BOTH(OLD)},
        {"3", "5", "1005", ",\"_version\":4", SAME_BOTH(OLD)},
        {"4", "5", "1005", ",\"_version\":5", SAME_BOTH(OLD)},
        {"5", "5", "1005", ",\"_version\":5", SAME_BOTH(OLD)},
        {"4", "5", "1005", ",\"_version\":6", SAME_BOTH(NEW)},
        {"4", "5", "1005", ",\"_version\":1,\"_lastChangedAt\":1006", SAME_BOTH(NEW)},
        {"4", "5", "1005", ",\"_version\":4,\"_deleted\":true", SAME_BOTH(OLD)},
        {"4", "5", "1005", ",\"_version\":5,\"_deleted\":true", SAME_BOTH(DELETED)},
        {"4", "5", "1005", "", APS_SYNC_IS_SAME, APS_SYNC_IS_OLD},
        {"", "5", "1005", ",\"_version\":4", SAME_BOTH(OLD)},
        {"", "5", "1005", "", APS_SYNC_IS_SAME, APS_SYNC_IS_OLD},
        {"7", "", "", ",\"_version\":6", SAME_BOTH(OLD)},
        {"4", "", "", ",\"_version\":4", SAME_BOTH(SAME)},
};

static void put_known(const char *version)
{
	char data[160];
	if (version == NULL) return;
	snprintf(data, sizeof data, "{\"a\":{\"__typename\":\"Post\",\"id\":\"1\"%s%s}}",
	         version[0] != '\0' ? ",\"_version\":" : "", version);
	keep("query Q { a { id _version } }", data);
}

static void put_tombstone(const char *version, const char *changed_at)
{
	struct aps_err err;
	if (version == NULL) return;
	const struct aps_tombstone tombstone = {APS_STR("RPost:1"), aps_str_of(version), aps_str_of(changed_at), 1};
	assert_int_equal(aps_tombstone_put(world.run->vault->db, sync_name(), &tombstone, &err), APS_OK);
	world.run->has_tombstones = world.run->knows_tombstones = true;
}

/* Of the last record of the data. */
static enum aps_sync_fate judge(enum aps_sync_part_kind part, const char *data, const struct aps_asked *asked)
{
	struct aps_page page;
	struct aps_sync_judgement judgement;
	struct aps_err err;
	uint32_t asked_at = world.run->keeping.is_page ? UINT32_MAX : 0; /* it tells what came before */
	const struct aps_partition_data what = {.data = aps_str_of(data), .asked = asked, .asked_at = asked_at};
	assert_int_equal(aps_page_read(&page, &world.run->settings->parts[part].names, what.data, &err), APS_OK);
	aps_sync_judgement_init(&judgement);
	world.run->keeping.part = part;
	assert_int_equal(aps_sync_judge(world.run, &page, &what, NULL, &judgement, &err), APS_OK);
	size_t n = aps_page_count(&page), n_in_all = 0;
	assert_int_equal(judgement.records.n, n * sizeof(struct aps_sync_judged));
	for (int i = 0; i <= APS_SYNC_IS_BAD; i++) n_in_all += judgement.n_of[i];
	assert_int_equal(n_in_all, n);
	const struct aps_sync_judged *all = (const void *)judgement.records.p;
	enum aps_sync_fate fate = all[n - 1].fate;
	aps_sync_judgement_clear(&judgement);
	aps_page_clear(&page);
	return fate;
}

static void by_what_is_known_of_it(void **state)
{
	(void)state;
	static const char *const NAMES[] = {
#define NAME(name) #name,
	        APS_SYNC_FATE_MAP(NAME)
#undef NAME
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		char record[256], data[512];
		begin();
		open_sync(&(struct asked){0});
		put_known(row->known);
		put_tombstone(row->dead, row->dead_at);
		snprintf(record, sizeof record, "{\"__typename\":\"Post\",\"id\":\"1\"%s}", row->members);
		snprintf(data, sizeof data, "{\"syncPosts\":{\"items\":[{\"__typename\":\"Post\",\"id\":\"2\"},%s]}}",
		         record);
		const char *page = NAMES[judge(APS_SYNC_PART_DELTA, data, NULL)];
		snprintf(data, sizeof data, "{\"onPost\":%s}", record);
		const char *event = NAMES[judge(APS_SYNC_PART_SUBSCRIPTION, data, NULL)];
		if (strcmp(page, NAMES[row->fate]) != 0 || strcmp(event, NAMES[row->fate_live]) != 0)
			print_message("row %zu: %s\n", i, record);
		assert_string_equal(page, NAMES[row->fate]);
		assert_string_equal(event, NAMES[row->fate_live]);
		finish();
	}
}

static void what_has_no_identity_is_bad(void **state)
{
	(void)state;
	static const char *const BAD[] = {"null",
	                                  "7",
	                                  "[]",
	                                  "{}",
	                                  "{\"__typename\":\"Post\",\"id\":null}",
	                                  "{\"__typename\":\"Post\",\"n\":1}",
	                                  "{\"__typename\":\"Post\",\"id\":{\"x\":1}}"};
	char data[256];
	open_sync(&(struct asked){0});
	for (size_t i = 0; i < APS_COUNTOF(BAD); i++) {
		snprintf(data, sizeof data, "{\"listPosts\":{\"items\":[%s]}}", BAD[i]);
		assert_int_equal(judge(APS_SYNC_PART_BASE, data, NULL), APS_SYNC_IS_BAD);
	}
}

/* Of a base query, whatever else: only an event can be of a mutation that selects less. */
static void a_page_is_never_partial(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	put_known("2");
	assert_int_equal(
	        judge(APS_SYNC_PART_BASE, "{\"listPosts\":{\"items\":[{\"__typename\":\"Post\",\"id\":\"1\"}]}}", NULL),
	        APS_SYNC_IS_SAME);
}

static void without_a_version_an_event_is_taken_for_whole_where_nulls_are_written(void **state)
{
	(void)state;
	open_sync(&(struct asked){.version_field = ""});
	put_known("2");
	assert_int_equal(judge(APS_SYNC_PART_SUBSCRIPTION, "{\"onPost\":{\"__typename\":\"Post\",\"id\":\"1\"}}", NULL),
	                 APS_SYNC_IS_SAME);
	assert_int_equal(judge(APS_SYNC_PART_SUBSCRIPTION,
	                       "{\"onPost\":{\"__typename\":\"Post\",\"id\":\"1\",\"_version\":1}}", NULL),
	                 APS_SYNC_IS_SAME);
}

/* Of layers nothing counts: they are what the application hopes for. */
static void a_version_that_is_only_expected_is_not_known(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	put_known("2");
	const struct aps_caching_edits what = {
	        .layer = 50,
	        .edits = make_edits("mutation M { up { id _version } }",
	                            "{\"up\":{\"__typename\":\"Post\",\"id\":\"1\",\"_version\":9}}")};
	aps_caching_add_layer(world.core, world.client, CACHE, &what);
	aps_edits_unref(what.edits);
	turn();
	assert_int_equal(judge(APS_SYNC_PART_SUBSCRIPTION,
	                       "{\"onPost\":{\"__typename\":\"Post\",\"id\":\"1\",\"_version\":3}}", NULL),
	                 APS_SYNC_IS_NEW);
}

/* The one object of the data that has a type is this ("": nothing). */
static struct aps_asked *tell_of(const char *data, const char *key)
{
	struct aps_err err;
	struct aps_asked *asked = aps_asked_new();
	assert_non_null(asked);
	const struct aps_operation *operation = &world.run->settings->parts[APS_SYNC_PART_BASE].operation;
	assert_int_equal(aps_question_scan(asked, operation, partition()->policies, &partition()->cache.names,
	                                   aps_str_of(data), &err),
	                 APS_OK);
	assert_int_equal(aps_asked_count(asked), 1);
	assert_true(aps_asked_tell(asked, 0, aps_str_of(key)));
	return asked;
}

static void the_application_tells_what_a_record_is(void **state)
{
	(void)state;
	static const char *const DATA =
	        "{\"listPosts\":{\"items\":[{\"__typename\":\"Post\",\"id\":\"x\",\"_version\":1}]}}";
	open_sync(&(struct asked){0});
	put_known("2");
	assert_int_equal(judge(APS_SYNC_PART_BASE, DATA, NULL), APS_SYNC_IS_NEW);
	world.client->settings.cache->policies.asks_all = true;
	struct aps_asked *asked = tell_of(DATA, "Post:1");
	assert_int_equal(judge(APS_SYNC_PART_BASE, DATA, asked), APS_SYNC_IS_OLD);
	aps_asked_unref(asked);
	asked = tell_of(DATA, "");
	assert_int_equal(judge(APS_SYNC_PART_BASE, DATA, asked), APS_SYNC_IS_BAD);
	aps_asked_unref(asked);
}

/* Where nobody says when a record was changed last. */
static void a_base_page_that_was_made_well_behind_a_deletion_has_what_was_made_anew(void **state)
{
	(void)state;
	static const struct {
		int64_t behind_s; /* the deletion, which was in version 7 */
		const char *known, *members;
		enum aps_sync_fate fate;
	} ROWS[] = {
	        {601, UNKNOWN, ",\"_version\":1", APS_SYNC_IS_NEW},
	        {600, UNKNOWN, ",\"_version\":1", APS_SYNC_IS_OLD},
	        {-1, UNKNOWN, ",\"_version\":1", APS_SYNC_IS_OLD},
	        {601, UNKNOWN, ",\"_version\":2,\"_deleted\":true", APS_SYNC_IS_DELETED}, /* and deleted again */
	        {600, UNKNOWN, ",\"_version\":2,\"_deleted\":true", APS_SYNC_IS_OLD},
	        {601, UNKNOWN, ",\"_version\":1,\"_lastChangedAt\":1006", APS_SYNC_IS_NEW},
	        {601, UNKNOWN, ",\"_version\":1,\"_lastChangedAt\":1005", APS_SYNC_IS_OLD}, /* it says that it wasn't */
	        {601, UNKNOWN, ",\"_version\":1,\"_lastChangedAt\":1004", APS_SYNC_IS_OLD},
	        {601, "6", ",\"_version\":1", APS_SYNC_IS_NEW}, /* of what was deleted */
	        {600, "6", ",\"_version\":1", APS_SYNC_IS_OLD},
	        {601, "8", ",\"_version\":1", APS_SYNC_IS_OLD}, /* of what was made since */
	};
	char data[256];
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		begin();
		open_sync(&(struct asked){0});
		put_known(ROWS[i].known);
		put_tombstone("7", "1005");
		snprintf(data, sizeof data, "{\"listPosts\":{\"items\":[{\"__typename\":\"Post\",\"id\":\"1\"%s}]}}",
		         ROWS[i].members);
		world.run->keeping.is_page = true;
		world.run->machine.made_ms = (1 + ROWS[i].behind_s) * 1000; /* it was seen at 1 */
		if (judge(APS_SYNC_PART_BASE, data, NULL) != ROWS[i].fate) fail_msg("row %zu", i);
		memcpy(data + 2, "syncPosts", 9);
		enum aps_sync_fate fate = judge(APS_SYNC_PART_DELTA, data, NULL); /* it may tell of what was */
		bool has_time = strstr(ROWS[i].members, "1006") != NULL;
		if (fate != (has_time ? APS_SYNC_IS_NEW : APS_SYNC_IS_OLD)) fail_msg("row %zu, a delta", i);
		finish();
	}
}

#define ALIASED "postId: id v: _version gone: _deleted at: _lastChangedAt n"

/* The cache knows its records by the fields' names. */
static void fields_are_found_under_their_aliases(void **state)
{
	(void)state;
	static const struct {
		const char *record;
		enum aps_sync_fate fate;
	} ROWS[] = {
	        {"\"postId\":\"1\",\"v\":3", APS_SYNC_IS_OLD},
	        {"\"postId\":\"1\",\"v\":4", APS_SYNC_IS_SAME},
	        {"\"postId\":\"1\",\"v\":5", APS_SYNC_IS_NEW},
	        {"\"postId\":\"1\",\"v\":4,\"gone\":true", APS_SYNC_IS_DELETED},
	        {"\"postId\":\"2\",\"v\":4", APS_SYNC_IS_NEW},
	        {"\"id\":\"1\",\"v\":3", APS_SYNC_IS_BAD},                 /* nobody has selected it */
	        {"\"postId\":\"1\",\"v\":1,\"at\":2000", APS_SYNC_IS_NEW}, /* made anew */
	};
	char data[256];
	open_sync(&(struct asked){.delta = "query D { syncPosts { items { " ALIASED " } } }"});
	keep("query Q { a { id _version _lastChangedAt } }",
	     "{\"a\":{\"__typename\":\"Post\",\"id\":\"1\",\"_version\":4,\"_lastChangedAt\":1004}}");
	world.run->keeping.is_page = true;
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		snprintf(data, sizeof data, "{\"syncPosts\":{\"items\":[{\"__typename\":\"Post\",%s}]}}",
		         ROWS[i].record);
		if (judge(APS_SYNC_PART_DELTA, data, NULL) != ROWS[i].fate) fail_msg("%s", ROWS[i].record);
	}
}

/* "id" is another field's alias, and another type has other ones. */
static void an_alias_may_be_the_name_of_another_field(void **state)
{
	(void)state;
	open_sync(&(struct asked){
	        .delta = "query D { syncPosts { items { id: n ... on Post { real: id } ... on Page { nr: id } _version "
	                 "} } }"});
	put_known("4");
	assert_int_equal(
	        judge(APS_SYNC_PART_DELTA,
	              "{\"syncPosts\":{\"items\":[{\"__typename\":\"Post\",\"id\":7,\"real\":\"1\",\"_version\":"
	              "3}]}}",
	              NULL),
	        APS_SYNC_IS_OLD);
	assert_int_equal(judge(APS_SYNC_PART_DELTA,
	                       "{\"syncPosts\":{\"items\":[{\"__typename\":\"Page\",\"id\":7,\"nr\":\"1\",\"_version\":"
	                       "3}]}}",
	                       NULL),
	                 APS_SYNC_IS_NEW);
}

/* Else a record would be taken for one without an identity. */
static void it_is_told_where_there_is_no_memory_for_a_key(void **state)
{
	(void)state;
	const struct aps_partition_data data = {
	        .data = APS_STR("{\"listPosts\":{\"items\":[{\"__typename\":\"Po\\u0073t\",\"id\":\"\\u0031\"}]}}")};
	struct aps_page page;
	struct aps_err err;
	open_sync(&(struct asked){0});
	put_known("2");
	assert_int_equal(aps_page_read(&page, &world.run->settings->parts[APS_SYNC_PART_BASE].names, data.data, &err),
	                 APS_OK);
	enum aps_rc rc = APS_E_NOMEM;
	for (size_t nth = 1; rc != APS_OK; nth++) {
		struct aps_sync_judgement judgement;
		aps_sync_judgement_init(&judgement);
		aps_mem_fail_at(nth);
		rc = aps_sync_judge(world.run, &page, &data, NULL, &judgement, &err);
		aps_mem_fail_at(0);
		if (rc != APS_OK && rc != APS_E_NOMEM) fail_msg("allocation %zu: %s", nth, err.msg);
		if (rc == APS_OK && nth < 5) fail_msg("only %zu", nth);
		if (rc == APS_OK) assert_int_equal(judgement.n_of[APS_SYNC_IS_SAME], 1);
		aps_sync_judgement_clear(&judgement);
	}
	aps_page_clear(&page);
}

/* Where it is known that no Post is a Thing, what a fragment on Thing selects is no Post's. */
static void the_type_tells_which_field_an_alias_is(void **state)
{
	(void)state;
	open_sync(&(struct asked){.delta = "query D { syncPosts { items { ... on Thing { key: n } ... on Post { key: "
	                                   "id } _version } } }"});
	assert_true(
	        aps_policies_add_possible(&world.client->settings.cache->policies, APS_STR("Thing"), APS_STR("Page")));
	put_known("4");
	assert_int_equal(judge(APS_SYNC_PART_DELTA,
	                       "{\"syncPosts\":{\"items\":[{\"__typename\":\"Post\",\"key\":\"1\",\"_version\":3}]}}",
	                       NULL),
	                 APS_SYNC_IS_OLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(by_what_is_known_of_it),
	        TEST(what_has_no_identity_is_bad),
	        TEST(a_page_is_never_partial),
	        TEST(without_a_version_an_event_is_taken_for_whole_where_nulls_are_written),
	        TEST(a_version_that_is_only_expected_is_not_known),
	        TEST(the_application_tells_what_a_record_is),
	        cmocka_unit_test(a_base_page_that_was_made_well_behind_a_deletion_has_what_was_made_anew),
	        TEST(fields_are_found_under_their_aliases),
	        TEST(an_alias_may_be_the_name_of_another_field),
	        TEST(the_type_tells_which_field_an_alias_is),
	        TEST(it_is_told_where_there_is_no_memory_for_a_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
