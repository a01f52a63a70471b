/* Lists that are kept while responses of others are written over them. */
#include "cache/kept_list.h"
#include "synced_list_world.h"

#define CONN  "{ conn(n: 1) { items { id } next } }"
#define EMPTY "{\"conn\":{\"items\":[],\"next\":null}}"
#define TWO_OTHER                                                                                                      \
	"{\"conn\":{\"items\":[{\"__typename\":\"T\",\"id\":\"8\"},{\"__typename\":\"T\",\"id\":\"9\"}],\"next\":"     \
	"\"q\"}}"

static const struct aps_str NEXT[] = {{"next", 4}};
static const struct aps_list_place TOKEN = {
        .field = {"conn({\"n\":1})", 13}, .is_apart = true, .path = NEXT, .n_path = 1};
static const struct aps_list_place NO_TOKEN = {.is_apart = false};

static size_t fails_at; /* the allocation of the next response */

/* A response is written, and what it says of the list isn't taken. */
static enum aps_rc answer(const char *query, const char *data, const struct aps_list_place *place,
                          const struct aps_list_place *token)
{
	struct aps_gql_document *doc = parse(query);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
	struct aps_kept_list kept = {.is_aside = false};
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
	struct aps_normalized out;
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	begin();
	aps_merge_clear(&world.merge);
	enum aps_rc rc = aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err);
	aps_mem_fail_at(fails_at);
	if (rc == APS_OK && !aps_merge_init(&world.merge, &world.write)) rc = APS_E_NOMEM;
	if (rc == APS_OK) aps_kept_list_set_aside(&world.write, &binding, place, token, &kept);
	if (rc == APS_OK) aps_kept_lists_unmark(&world.write, &binding);
	if (rc == APS_OK) rc = aps_normalize(&world.merge, &binding, aps_str_of(data), &options, &out, &err);
	if (rc == APS_OK) aps_kept_list_put_back(&world.write, place, token, &kept);
	if (rc == APS_OK) rc = world.write.err.code;
	if (rc == APS_OK && !aps_write_settle(&world.write)) rc = APS_E_NOMEM;
	aps_mem_fail_at(0);
	aps_kept_list_clear(&kept);
	aps_buf_clear(&out.stale);
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	return rc;
}

static void answer_now(const char *query, const char *data, const struct aps_list_place *place,
                       const struct aps_list_place *token)
{
	assert_int_equal(answer(query, data, place, token), APS_OK);
	aps_write_commit(&world.write);
}

static void mark(const struct aps_list_place *place)
{
	begin();
	aps_kept_list_mark(&world.write, place);
	commit();
}

static enum aps_kept_list_state look(const struct aps_list_place *place)
{
	struct aps_cache_write write = {.cache = &world.cache};
	return aps_kept_list_look(&write, place);
}

static void begin_with(unsigned n)
{
	make_records(0, n);
	write_data(CONN, "{}", EMPTY);
	add(&INSIDE, &list, 0, n);
	mark(&INSIDE);
}

static void a_response_does_not_change_the_list_nor_the_token_beside_it(void **state)
{
	(void)state;
	begin_with(3);
	answer_now(CONN, TWO_OTHER, &INSIDE, &TOKEN);
	assert_reads(CONN, "{}",
	             "{\"conn\":{\"items\":[{\"id\":\"0\",\"__typename\":\"T\"},{\"id\":\"1\",\"__typename\":\"T\"},{"
	             "\"id\":\"2\",\"__typename\":\"T\"}],\"next\":null}}");
	number_of(9); /* its records are there */
	assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_WHOLE);
}

static void what_else_it_says_is_taken(void **state)
{
	(void)state;
	begin_with(1);
	answer_now(CONN, TWO_OTHER, &INSIDE, &NO_TOKEN);
	assert_reads(CONN, "{}", "{\"conn\":{\"items\":[{\"id\":\"0\",\"__typename\":\"T\"}],\"next\":\"q\"}}");
}

static void a_long_list_keeps_its_blocks_and_those_of_the_response_go(void **state)
{
	(void)state;
	static char data[1 << 16];
	size_t n = (size_t)snprintf(data, sizeof data, "{\"conn\":{\"items\":[");
	for (int i = 0; i < 1000; i++)
		n += (size_t)snprintf(data + n, sizeof data - n, "%s{\"__typename\":\"T\",\"id\":\"%d\"}",
		                      i != 0 ? "," : "", i);
	snprintf(data + n, sizeof data - n, "],\"next\":null}}");
	begin_with(700);
	size_t before = n_blocks();
	static char shown[65536];
	snprintf(shown, sizeof shown, "%s", show(&INSIDE));
	answer_now(CONN, data, &INSIDE, &TOKEN);
	assert_string_equal(show(&INSIDE), shown);
	assert_int_equal(n_blocks(), before);
	aps_synced_list_forget(&list);
	assert_true(load(&INSIDE, &list));
	assert_int_equal(list.members.n_members, 700);
}

static void a_null_in_its_place_or_around_it_does_not_count(void **state)
{
	(void)state;
	begin_with(2);
	answer_now(CONN, "{\"conn\":{\"items\":null,\"next\":\"q\"}}", &INSIDE, &TOKEN);
	assert_string_equal(show(&INSIDE), "0 1");
	answer_now(CONN, "{\"conn\":null}", &INSIDE, &TOKEN);
	assert_string_equal(show(&INSIDE), "0 1");
	assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_WHOLE);
}

static void a_list_in_the_root_itself_is_kept_likewise(void **state)
{
	(void)state;
	make_records(0, 2);
	start(&PLAIN, &list);
	add(&PLAIN, &list, 0, 2);
	mark(&PLAIN);
	answer_now("{ plain { id } }", "{\"plain\":[{\"__typename\":\"T\",\"id\":\"7\"}]}", &PLAIN, &NO_TOKEN);
	assert_string_equal(show(&PLAIN), "0 1");
	assert_int_equal(look(&PLAIN), APS_KEPT_LIST_IS_WHOLE);
}

static void a_response_of_other_fields_costs_nothing(void **state)
{
	(void)state;
	begin_with(2);
	assert_int_equal(answer("{ other(n: 1) conn(n: 2) { next } }", "{\"other\":1,\"conn\":{\"next\":\"q\"}}",
	                        &INSIDE, &TOKEN),
	                 APS_OK);
	/* the root is looked up by whoever writes below it */
	for (size_t i = 0; i < aps_write_n_entries(&world.write); i++)
		assert_null(aps_str_find(aps_entry_key(aps_write_entry_at(&world.write, i)), "conn({\"n\":1})"));
	aps_write_commit(&world.write);
	assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_WHOLE);
}

static void where_nobody_keeps_it_the_mark_goes(void **state)
{
	(void)state;
	const struct aps_list_place nowhere = {.is_apart = false};
	begin_with(2);
	answer_now(CONN, TWO_OTHER, &nowhere, &nowhere);
	assert_string_equal(show(&INSIDE), "8 9");
	assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_OTHERS);
	mark(&INSIDE);
	assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_WHOLE);
}

static void a_list_that_is_not_marked_is_theirs(void **state)
{
	(void)state;
	write_data(CONN, "{}", EMPTY);
	answer_now(CONN, TWO_OTHER, &INSIDE, &TOKEN);
	assert_string_equal(show(&INSIDE), "8 9");
	assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_OTHERS);
}

static void a_list_that_has_gone_is_missed(void **state)
{
	(void)state;
	assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_OTHERS);
	begin_with(2);
	write_data(CONN, "{}", "{\"conn\":null}");
	assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_OTHERS);
}

/* The base query's result is one record, say. */
static void where_there_never_was_one_nothing_is_missed(void **state)
{
	(void)state;
	write_data("{ conn(n: 1) { next } }", "{}", "{\"conn\":{\"next\":null}}");
	assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_NONE);
}

static void without_memory_nothing_is_written(void **state)
{
	(void)state;
	size_t n_failed = 0;
	static char shown[65536];
	begin_with(300);
	snprintf(shown, sizeof shown, "%s", show(&INSIDE));
	for (fails_at = 1; fails_at < 200; fails_at++) {
		enum aps_rc rc = answer(CONN, TWO_OTHER, &INSIDE, &TOKEN);
		if (rc == APS_OK) {
			aps_write_commit(&world.write);
		} else {
			assert_int_equal(rc, APS_E_NOMEM);
			aps_write_abort(&world.write);
			n_failed++;
		}
		assert_string_equal(show(&INSIDE), shown);
		assert_int_equal(look(&INSIDE), APS_KEPT_LIST_IS_WHOLE);
	}
	fails_at = 0;
	assert_true(n_failed > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_response_does_not_change_the_list_nor_the_token_beside_it),
	        TEST(what_else_it_says_is_taken),
	        TEST(a_long_list_keeps_its_blocks_and_those_of_the_response_go),
	        TEST(a_null_in_its_place_or_around_it_does_not_count),
	        TEST(a_list_in_the_root_itself_is_kept_likewise),
	        TEST(a_response_of_other_fields_costs_nothing),
	        TEST(where_nobody_keeps_it_the_mark_goes),
	        TEST(a_list_that_is_not_marked_is_theirs),
	        TEST(a_list_that_has_gone_is_missed),
	        TEST(where_there_never_was_one_nothing_is_missed),
	        TEST(without_memory_nothing_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
