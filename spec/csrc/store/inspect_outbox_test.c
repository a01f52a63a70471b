#include "store/inspect_outbox.h"

#include "outbox_fixture.h"

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

static enum aps_rc inspect(void)
{
	struct aps_json_writer w;
	aps_buf_reset(&json);
	aps_json_writer_init(&w, &json);
	aps_json_write_object(&w);
	enum aps_rc rc = aps_inspect_outbox(db, &w, &err);
	aps_json_write_object_end(&w);
	if (rc != APS_OK) return rc;
	rc = aps_json_writer_finish(&w);
	if (rc != APS_OK) err = w.err;
	return rc;
}

static void assert_is(const char *expected)
{
	db_do(db, "UPDATE counter SET value = 2748 WHERE id = -3");
	ok(inspect());
	assert_string_equal(json.p, expected);
}

static void assert_has(const char *part)
{
	ok(inspect());
	if (strstr(json.p, part) == NULL) fail_msg("%s\nisn't in: %s", part, json.p);
}

static void a_store_without_mutations_says_so(void **state)
{
	(void)state;
	assert_is("{\"outbox\":{\"size\":0,\"damaged\":0,\"lanes\":[],\"entries\":[]},"
	          "\"dead_letters\":{\"size\":0,\"damaged\":0,\"entries\":[]},"
	          "\"outcomes\":{\"count\":0,\"untold\":0},"
	          "\"id_map\":{\"count\":0,\"pairs\":[],\"damaged\":0},"
	          "\"answered_layers\":[]}");
}

static void bury(int64_t id, const char *cause, int64_t blocked_by)
{
	struct aps_death death = {
	        .died_ms = 9, .outcome = APS_STR("refused"), .blocked_by = blocked_by, .cause = aps_str_of(cause)};
	ok(aps_dead_letters_bury(db, id, &death, &err));
}

static void all_of_the_queue_is_shown(void **state)
{
	(void)state;
	int64_t ann = owner_make("ann"), bob = owner_make("bob"), first = enqueue(ann);
	(void)enqueue(ann);
	int64_t dead = enqueue(bob), dependent = enqueue(bob);
	struct aps_outbox_entry odd = entry_of(aps_entry_id(bob, APS_ENTRY_AWS_IAM, 9));
	odd.document = APS_STR("no document");
	odd.name = APS_STR("\xff");
	ok(aps_outbox_insert(db, &odd, &err));
	ok(aps_delivery_mark(db, first, 1, 2, 3, &err));
	bury(dead, "{\"kind\": \"graphql\"}", 0);
	bury(dependent, "no JSON", 3);
	struct aps_kept_outcome outcome = {.owner = ann, .content = APS_STR("{}")};
	ok(aps_outcomes_add(db, &outcome, &err));
	outcome.is_told = true;
	ok(aps_outcomes_add(db, &outcome, &err));
	struct aps_id_made pair = {.owner = ann, .temporary = APS_STR("t"), .maker = 1};
	ok(aps_id_map_add(db, &pair, &err));
	pair = (struct aps_id_made){
	        .owner = bob, .temporary = APS_STR("u"), .made = APS_STR("7"), .is_made = true, .maker = 2};
	ok(aps_id_map_add(db, &pair, &err));
	assert_is("{\"outbox\":{\"size\":3,\"damaged\":0,\"lanes\":["
	          "{\"key_prefix\":\"p\",\"identity\":\"ann\",\"mode\":\"API_KEY\",\"queued\":1,\"sending\":1},"
	          "{\"key_prefix\":\"p\",\"identity\":\"bob\",\"mode\":\"AWS_IAM\",\"queued\":1,\"sending\":0}],"
	          "\"entries\":["
	          "{\"id\":\"00000abc-1\",\"identity\":\"ann\",\"mode\":\"API_KEY\",\"mutation\":\"a\","
	          "\"state\":\"sending\",\"created\":1000,\"attempts\":3},"
	          "{\"id\":\"00000abc-2\",\"identity\":\"ann\",\"mode\":\"API_KEY\",\"mutation\":\"a\","
	          "\"state\":\"queued\",\"created\":1000,\"attempts\":0},"
	          "{\"id\":\"00000abc-9\",\"identity\":\"bob\",\"mode\":\"AWS_IAM\",\"mutation\":\"\xef\xbf\xbd\","
	          "\"state\":\"queued\",\"created\":1000,\"attempts\":0}]},"
	          "\"dead_letters\":{\"size\":2,\"damaged\":0,\"entries\":["
	          "{\"id\":\"00000abc-3\",\"identity\":\"bob\",\"mode\":\"API_KEY\",\"mutation\":\"a\","
	          "\"outcome\":\"refused\",\"blocked_by\":null,\"created\":1000,\"died\":9,\"attempts\":0,"
	          "\"cause\":{\"kind\": \"graphql\"}},"
	          "{\"id\":\"00000abc-4\",\"identity\":\"bob\",\"mode\":\"API_KEY\",\"mutation\":\"a\","
	          "\"outcome\":\"refused\",\"blocked_by\":\"00000abc-3\",\"created\":1000,\"died\":9,\"attempts\":0,"
	          "\"cause\":\"no JSON\"}]},"
	          "\"outcomes\":{\"count\":2,\"untold\":1},"
	          "\"id_map\":{\"count\":2,\"pairs\":["
	          "{\"temporary\":\"t\",\"made\":null,\"maker\":\"00000abc-1\"},"
	          "{\"temporary\":\"u\",\"made\":\"7\",\"maker\":\"00000abc-2\"}],\"damaged\":0},"
	          "\"answered_layers\":[]}");
}

static void what_is_damaged_is_counted_and_the_rest_shown(void **state)
{
	(void)state;
	int64_t ann = owner_make("ann"), bob = owner_make("bob");
	(void)enqueue(ann);
	(void)enqueue(ann);
	(void)enqueue(bob);
	bury(enqueue(ann), "{}", 0);
	bury(enqueue(ann), "{}", 0);
	for (int i = 0; i < 3; i++) {
		struct aps_id_made pair = {.owner = ann, .temporary = aps_str_of(i == 0 ? "a" : i == 1 ? "b" : "c")};
		ok(aps_id_map_add(db, &pair, &err));
	}
	db_do(db, "UPDATE outbox SET sum = 0 WHERE id & 255 = 1; UPDATE dead_letter SET sum = 0 WHERE id & 255 = 4;"
	          "UPDATE owner SET sum = 0 WHERE identity = 'bob'; UPDATE id_map SET sum = 0 WHERE temporary = 'b'");
	assert_has("\"outbox\":{\"size\":2,\"damaged\":1,\"lanes\":[{\"key_prefix\":\"p\",\"identity\":\"ann\","
	           "\"mode\":\"API_KEY\",\"queued\":1,\"sending\":0},{\"key_prefix\":null,\"identity\":null,");
	assert_has("\"dead_letters\":{\"size\":1,\"damaged\":1,");
	assert_has("\"id_map\":{\"count\":3,\"pairs\":[{\"temporary\":\"a\",\"made\":null,\"maker\":null},"
	           "{\"temporary\":\"c\",\"made\":null,\"maker\":null}],\"damaged\":1}");
}

static size_t n_times(const char *part)
{
	size_t n = 0;
	for (const char *p = json.p; (p = strstr(p, part)) != NULL; p++) n++;
	return n;
}

static void long_lists_are_cut(void **state)
{
	(void)state;
	char temporary[16];
	int64_t ann = owner_make("ann");
	ok(aps_db_begin(db, &err));
	for (int i = 0; i < 1002; i++) (void)enqueue(ann);
	for (int i = 0; i < 102; i++) {
		snprintf(temporary, sizeof temporary, "%d", i);
		struct aps_id_made pair = {.owner = ann, .temporary = aps_str_of(temporary)};
		ok(aps_id_map_add(db, &pair, &err));
	}
	ok(aps_db_commit(db, &err));
	assert_has("\"outbox\":{\"size\":1002,");
	assert_has("\"queued\":1002,");
	assert_has("\"id_map\":{\"count\":102,");
	assert_int_equal(n_times("\"state\""), 1000);
	assert_int_equal(n_times("\"temporary\""), 100);
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		teardown(NULL);
		setup(NULL);
		int64_t ann = owner_make("ann");
		struct aps_id_made pair = {.owner = ann, .temporary = APS_STR("t")};
		(void)enqueue(ann);
		bury(enqueue(ann), "{}", 0);
		ok(aps_id_map_add(db, &pair, &err));
		aps_mem_fail_at(nth);
		enum aps_rc rc = inspect();
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_store_without_mutations_says_so),
	        TEST(all_of_the_queue_is_shown),
	        TEST(what_is_damaged_is_counted_and_the_rest_shown),
	        TEST(long_lists_are_cut),
	        TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
