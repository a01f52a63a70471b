#include "store/sync_rows.h"

#include "outbox_fixture.h"
#include "store/parts.h"

static const struct aps_sync_name POSTS = {7, {"aa", 2}}, OTHER = {7, {"ab", 2}}, ANNS = {8, {"aa", 2}};

static struct aps_buf text, more;

static int setup(void **state)
{
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_init(&more, APS_BUF_ANY_SIZE);
	return outbox_setup(state);
}

static int teardown(void **state)
{
	aps_buf_clear(&text);
	aps_buf_clear(&more);
	return outbox_teardown(state);
}

static const char *load(struct aps_sync_name sync)
{
	aps_buf_reset(&text);
	aps_buf_add_text(&text, "=");
	ok(aps_sync_rows_load(db, sync, &text, &err));
	return text.p + 1;
}

static void save(struct aps_sync_name sync, const char *checkpoint)
{
	ok(aps_sync_rows_save(db, sync, aps_str_of(checkpoint), &err));
}

static void bury(struct aps_sync_name sync, const char *key, const char *version, const char *changed_at,
                 int64_t seen_s)
{
	const struct aps_tombstone tombstone = {aps_str_of(key), aps_str_of(version), aps_str_of(changed_at), seen_s};
	ok(aps_tombstone_put(db, sync, &tombstone, &err));
}

/* "version changed_at", or "none". */
static const char *find(struct aps_sync_name sync, const char *key)
{
	struct aps_tombstone_found found = {.version = text, .changed_at = more};
	aps_buf_reset(&found.version);
	aps_buf_reset(&found.changed_at);
	aps_buf_add_text(&found.changed_at, " ");
	ok(aps_tombstone_find(db, sync, aps_str_of(key), &found, &err));
	aps_buf_add_str(&found.version, aps_buf_str(&found.changed_at));
	text = found.version;
	more = found.changed_at;
	return found.is_there ? text.p : "none";
}

static void quarantine(struct aps_sync_name sync, const char *key, const char *reason, int64_t seen_s)
{
	const struct aps_sync_bad_record record = {aps_str_of(key), aps_str_of(reason), seen_s};
	uint64_t n;
	ok(aps_quarantine_count(db, sync, &n, &err));
	ok(aps_quarantine_put(db, sync, &record, &n, &err));
}

static void note(struct aps_sync_bad_sink *sink, const struct aps_sync_bad_record *record)
{
	(void)sink;
	aps_buf_addf(&text, "%.*s:%.*s:%d ", (int)record->key.n, record->key.p, (int)record->reason.n, record->reason.p,
	             (int)record->seen_s);
}

static const char *list(struct aps_sync_name sync)
{
	struct aps_sync_bad_sink sink = {note};
	aps_buf_reset(&text);
	aps_buf_add_text(&text, "");
	ok(aps_quarantine_list(db, sync, &sink, &err));
	return text.n != 0 ? text.p : "";
}

static uint64_t count(struct aps_sync_name sync)
{
	uint64_t n;
	ok(aps_quarantine_count(db, sync, &n, &err));
	return n;
}

static void a_checkpoint_is_what_was_saved_last(void **state)
{
	(void)state;
	assert_string_equal(load(POSTS), "");
	save(POSTS, "{\"a\":1}");
	save(OTHER, "other");
	save(ANNS, "ann's");
	assert_string_equal(load(POSTS), "{\"a\":1}");
	save(POSTS, "{}");
	assert_string_equal(load(POSTS), "{}");
	assert_string_equal(load(OTHER), "other");
	assert_string_equal(load(ANNS), "ann's");
}

static void all_of_a_sync_goes_and_nothing_of_another(void **state)
{
	(void)state;
	static const struct aps_sync_name *const SYNCS[] = {&POSTS, &OTHER, &ANNS};
	for (size_t i = 0; i < APS_COUNTOF(SYNCS); i++) {
		save(*SYNCS[i], "c");
		bury(*SYNCS[i], "Post:1", "1", "", 10);
		quarantine(*SYNCS[i], "Post:2", "no id", 10);
	}
	ok(aps_sync_rows_drop(db, POSTS, &err));
	assert_string_equal(load(POSTS), "");
	assert_string_equal(find(POSTS, "Post:1"), "none");
	assert_string_equal(list(POSTS), "");
	for (size_t i = 1; i < APS_COUNTOF(SYNCS); i++) {
		assert_string_equal(load(*SYNCS[i]), "c");
		assert_string_equal(find(*SYNCS[i], "Post:1"), "1 ");
		assert_string_equal(list(*SYNCS[i]), "Post:2:no id:10 ");
	}
	ok(aps_sync_rows_drop(db, POSTS, &err));
}

static void a_deleted_record_is_known_by_its_version(void **state)
{
	(void)state;
	bool have_any;
	ok(aps_tombstones_have_any(db, POSTS, &have_any, &err));
	assert_false(have_any);
	assert_string_equal(find(POSTS, "Post:1"), "none");
	bury(POSTS, "Post:1", "3", "1700000000000", 10);
	ok(aps_tombstones_have_any(db, POSTS, &have_any, &err));
	assert_true(have_any);
	ok(aps_tombstones_have_any(db, OTHER, &have_any, &err));
	assert_false(have_any);
	assert_string_equal(find(POSTS, "Post:1"), "3 1700000000000");
	assert_string_equal(find(POSTS, "Post:10"), "none");
	assert_string_equal(find(OTHER, "Post:1"), "none");
	bury(POSTS, "Post:1", "4", "", 20);
	assert_string_equal(find(POSTS, "Post:1"), "4 ");
	ok(aps_tombstone_remove(db, POSTS, APS_STR("Post:2"), &err));
	ok(aps_tombstone_remove(db, POSTS, APS_STR("Post:1"), &err));
	assert_string_equal(find(POSTS, "Post:1"), "none");
}

static void tombstones_leave_for_their_age(void **state)
{
	(void)state;
	bury(POSTS, "Post:1", "1", "", 10);
	bury(POSTS, "Post:2", "1", "", 20);
	bury(POSTS, "Post:1", "2", "", 30);
	bury(OTHER, "Post:1", "1", "", 10);
	ok(aps_tombstones_remove_before(db, POSTS, 20, &err));
	assert_string_equal(find(POSTS, "Post:2"), "1 ");
	ok(aps_tombstones_remove_before(db, POSTS, 21, &err));
	assert_string_equal(find(POSTS, "Post:2"), "none");
	assert_string_equal(find(POSTS, "Post:1"), "2 ");
	ok(aps_tombstones_remove_before(db, POSTS, INT64_MAX, &err));
	assert_string_equal(find(POSTS, "Post:1"), "none");
	assert_string_equal(find(OTHER, "Post:1"), "1 ");
}

static void bad_records_are_listed_by_their_keys_until_they_are_seen_no_more(void **state)
{
	(void)state;
	quarantine(POSTS, "listPosts.items.3", "it has no id", 10);
	quarantine(POSTS, "Post:1", "too deep", 10);
	quarantine(POSTS, "Post:1", "too large", 20);
	quarantine(OTHER, "Post:1", "x", 10);
	assert_string_equal(list(POSTS), "Post:1:too large:20 listPosts.items.3:it has no id:10 ");
	assert_int_equal(count(POSTS), 2);
	ok(aps_quarantine_remove_before(db, POSTS, 20, &err));
	assert_string_equal(list(POSTS), "Post:1:too large:20 ");
	ok(aps_quarantine_remove_before(db, POSTS, 21, &err));
	assert_string_equal(list(POSTS), "");
	assert_string_equal(list(OTHER), "Post:1:x:10 ");
}

static void only_so_many_bad_records_are_kept(void **state)
{
	(void)state;
	char key[32];
	for (int i = 0; i < APS_SYNC_MAX_BAD + 5; i++) {
		snprintf(key, sizeof key, "Post:%04d", i);
		quarantine(POSTS, key, "x", 10);
	}
	quarantine(OTHER, "Post:1", "x", 10);
	assert_int_equal(count(POSTS), APS_SYNC_MAX_BAD);
	assert_int_equal(count(OTHER), 1);
	/* one that is there may come again, and where one has left there is room */
	quarantine(POSTS, "Post:0000", "y", 20);
	assert_non_null(strstr(list(POSTS), "Post:0000:y:20"));
	quarantine(POSTS, "Post:0001", "x", 5);
	ok(aps_quarantine_remove_before(db, POSTS, 6, &err));
	quarantine(POSTS, "Post:9999", "x", 10);
	assert_int_equal(count(POSTS), APS_SYNC_MAX_BAD);
	assert_non_null(strstr(list(POSTS), "Post:9999:x:10"));
}

static void a_damaged_row_is_as_if_it_were_not_there(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
	        "UPDATE sync SET checkpoint = 'd'; UPDATE tombstone SET version = 2; UPDATE quarantine SET reason = "
	        "'y'",
	        "UPDATE sync SET name = 'ac'; UPDATE tombstone SET sync = 'ac'; UPDATE quarantine SET sync = 'ac'",
	        "UPDATE sync SET part = 9; UPDATE tombstone SET part = 9; UPDATE quarantine SET part = 9",
	        "UPDATE sync SET sum = 0; UPDATE tombstone SET sum = 0; UPDATE quarantine SET sum = 0",
	        "UPDATE sync SET checkpoint = x''; UPDATE tombstone SET changed = 5; UPDATE quarantine SET seen = 11",
	        "UPDATE sync SET checkpoint = 7.5; UPDATE tombstone SET seen = 11; UPDATE quarantine SET key = "
	        "'Post:3'",
	        "UPDATE sync SET sum = 'x'; UPDATE tombstone SET key = 'Post:3'; UPDATE quarantine SET reason = x'00'",
	};
	static const struct aps_sync_name PLACES[] = {{7, {"aa", 2}}, {7, {"ac", 2}}, {9, {"aa", 2}}};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		teardown(NULL);
		setup(NULL);
		save(POSTS, "c");
		bury(POSTS, "Post:1", "1", "", 10);
		quarantine(POSTS, "Post:2", "x", 10);
		db_do(db, ROWS[i]);
		for (size_t at = 0; at < APS_COUNTOF(PLACES); at++) {
			assert_string_equal(load(PLACES[at]), "");
			assert_string_equal(find(PLACES[at], "Post:1"), "none");
			assert_string_equal(find(PLACES[at], "Post:3"), "none");
			assert_string_equal(list(PLACES[at]), "");
		}
		/* and what comes in its place is whole */
		save(POSTS, "e");
		bury(POSTS, "Post:1", "3", "", 10);
		quarantine(POSTS, "Post:2", "z", 10);
		assert_string_equal(load(POSTS), "e");
		assert_string_equal(find(POSTS, "Post:1"), "3 ");
		assert_string_equal(list(POSTS), "Post:2:z:10 ");
	}
}

static enum aps_rc do_all(void)
{
	struct aps_sync_bad_sink sink = {note};
	const struct aps_tombstone tombstone = {APS_STR("Post:1"), APS_STR("1"), APS_STR(""), 10};
	const struct aps_sync_bad_record record = {APS_STR("Post:2"), APS_STR("x"), 10};
	struct aps_tombstone_found found = {.is_there = false};
	bool have_any;
	uint64_t n;
	aps_buf_clear(&text);
	aps_buf_init(&found.version, APS_BUF_ANY_SIZE);
	aps_buf_init(&found.changed_at, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_sync_rows_save(db, POSTS, APS_STR("c"), &err);
	if (rc == APS_OK) rc = aps_sync_rows_load(db, POSTS, &text, &err);
	if (rc == APS_OK) rc = aps_tombstone_put(db, POSTS, &tombstone, &err);
	if (rc == APS_OK) rc = aps_tombstone_find(db, POSTS, APS_STR("Post:1"), &found, &err);
	aps_buf_clear(&found.version);
	aps_buf_clear(&found.changed_at);
	if (rc == APS_OK) rc = aps_tombstones_have_any(db, POSTS, &have_any, &err);
	if (rc == APS_OK) rc = aps_tombstone_remove(db, POSTS, APS_STR("Post:1"), &err);
	if (rc == APS_OK) rc = aps_tombstones_remove_before(db, POSTS, 10, &err);
	if (rc == APS_OK) rc = aps_quarantine_count(db, POSTS, &n, &err);
	if (rc == APS_OK) rc = aps_quarantine_put(db, POSTS, &record, &n, &err);
	aps_buf_clear(&text);
	if (rc == APS_OK) rc = aps_quarantine_list(db, POSTS, &sink, &err);
	if (rc == APS_OK && text.rc != APS_OK) rc = text.rc; /* the sink's own */
	if (rc == APS_OK) rc = aps_quarantine_remove_before(db, POSTS, 10, &err);
	return rc == APS_OK ? aps_sync_rows_drop(db, POSTS, &err) : rc;
}

static void without_memory_each_of_them_says_so(void **state)
{
	(void)state;
	size_t nth = 1;
	for (;; nth++) {
		teardown(NULL);
		setup(NULL);
		aps_mem_fail_at(nth);
		enum aps_rc rc = do_all();
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
	assert_true(nth > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_checkpoint_is_what_was_saved_last),
	        TEST(all_of_a_sync_goes_and_nothing_of_another),
	        TEST(a_deleted_record_is_known_by_its_version),
	        TEST(tombstones_leave_for_their_age),
	        TEST(bad_records_are_listed_by_their_keys_until_they_are_seen_no_more),
	        TEST(only_so_many_bad_records_are_kept),
	        TEST(a_damaged_row_is_as_if_it_were_not_there),
	        TEST(without_memory_each_of_them_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
