#include "store/inspect_syncs.h"

#include "outbox_fixture.h"
#include "store/sync_rows.h"
#include "sync/sync_row.h"

static struct aps_buf json;

static int setup(void **state)
{
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	return outbox_setup(state);
}

static int teardown(void **state)
{
	aps_buf_clear(&json);
	return outbox_teardown(state);
}

static enum aps_rc inspect(int64_t part)
{
	struct aps_json_writer w;
	aps_buf_clear(&json);
	aps_json_writer_init(&w, &json);
	aps_json_write_object(&w);
	enum aps_rc rc = aps_inspect_syncs(db, part, &w, &err);
	aps_json_write_object_end(&w);
	enum aps_rc written = aps_json_writer_finish(&w);
	return rc == APS_OK ? written : rc;
}

static void assert_shows(int64_t part, const char *expected)
{
	ok(inspect(part));
	assert_string_equal(json.p, expected);
}

static void save(struct aps_sync_name sync, const struct aps_checkpoint *checkpoint)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_sync_row_put(&text, checkpoint, 5);
	ok(aps_sync_rows_save(db, sync, aps_buf_str(&text), &err));
	aps_buf_clear(&text);
}

static void fill(void)
{
	struct aps_checkpoint checkpoint;
	const struct aps_sync_name posts = {7, APS_STR("aa")}, comments = {7, APS_STR("bb")};
	const struct aps_tombstone tombstone = {APS_STR("Post:1"), APS_STR("1"), APS_STR(""), 10};
	const struct aps_sync_bad_record record = {APS_STR("Post:2"), APS_STR("x"), 10};
	uint64_t n_bad = 0;
	aps_checkpoint_init(&checkpoint);
	checkpoint.base_ms = 1000;
	checkpoint.last_sync_ms = 2000;
	checkpoint.n_base_records = 30;
	checkpoint.is_truncated = true;
	checkpoint.base.began_ms = 900;
	aps_buf_add_text(&checkpoint.base.token, "t");
	save(posts, &checkpoint);
	checkpoint.base_ms = 0;
	checkpoint.is_truncated = false;
	checkpoint.base.is_open = true;
	checkpoint.base.n_records = 5;
	checkpoint.base.n_pages = 2;
	save(comments, &checkpoint);
	aps_checkpoint_clear(&checkpoint);
	ok(aps_tombstone_put(db, posts, &tombstone, &err));
	ok(aps_quarantine_put(db, comments, &record, &n_bad, &err));
}

static void the_clocks_of_syncs_are_shown_and_what_is_under_way(void **state)
{
	(void)state;
	assert_shows(7, "{\"syncs\":[]}");
	fill();
	assert_shows(7, "{\"syncs\":[{\"name\":\"aa\",\"is_damaged\":false,\"last_sync\":2000,\"base\":1000,"
	                "\"records\":30,\"is_truncated\":true,\"pass\":null,\"tombstones\":1,\"quarantined\":0},"
	                "{\"name\":\"bb\",\"is_damaged\":false,\"last_sync\":2000,\"base\":null,\"records\":30,"
	                "\"is_truncated\":false,\"pass\":{\"query\":\"base\",\"records\":5,\"pages\":2},"
	                "\"tombstones\":0,\"quarantined\":1}]}");
	assert_shows(8, "{\"syncs\":[]}");
}

static void a_damaged_checkpoint_is_told(void **state)
{
	(void)state;
	fill();
	db_do(db, "UPDATE sync SET sum = 0 WHERE name = 'aa'; DELETE FROM sync WHERE name = 'bb'");
	assert_shows(7, "{\"syncs\":[{\"name\":\"aa\",\"is_damaged\":true,\"last_sync\":null,\"base\":null,"
	                "\"records\":0,\"is_truncated\":false,\"pass\":null,\"tombstones\":1,\"quarantined\":0},"
	                "{\"name\":\"bb\",\"is_damaged\":true,\"last_sync\":null,\"base\":null,\"records\":0,"
	                "\"is_truncated\":false,\"pass\":null,\"tombstones\":0,\"quarantined\":1}]}");
}

static void without_memory_nothing_is_said_to_be_known(void **state)
{
	(void)state;
	fill();
	for (size_t nth = 1; nth < 1000; nth++) {
		aps_mem_fail_at(nth);
		enum aps_rc rc = inspect(7);
		aps_mem_fail_at(0);
		/* a token that there is no memory for is as good as damaged */
		if (rc == APS_OK && strstr(json.p, "true,\"last_sync\"") == NULL) break;
		if (rc != APS_OK) assert_int_equal(rc, APS_E_NOMEM);
	}
	assert_non_null(strstr(json.p, "\"last_sync\":2000"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(the_clocks_of_syncs_are_shown_and_what_is_under_way),
	        TEST(a_damaged_checkpoint_is_told),
	        TEST(without_memory_nothing_is_said_to_be_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
