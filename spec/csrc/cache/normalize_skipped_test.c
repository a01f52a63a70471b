/* Objects of a response that are passed over: a null stands in their place, and nothing of them is written. */
#include "cache_world.h"

#define QUERY "{ list { id n sub { id n } } other { id n } }"

/* Objects that begin with '#' in the text are passed over. */
static const char *write_without(const char *query, const char *marked, struct aps_normalize_options options)
{
	static char data[2048];
	size_t skipped[16], n_skipped = 0, n = 0;
	for (; *marked != '\0'; marked++) {
		if (*marked == '#')
			skipped[n_skipped++] = n;
		else
			data[n++] = *marked;
	}
	data[n] = '\0';
	options.skipped = skipped;
	options.n_skipped = n_skipped;
	return write_with(query, "{}", data, &options);
}

#define AT_ROOT ((struct aps_normalize_options){.root = APS_STR("RROOT_QUERY")})

static bool is_known(const char *key)
{
	struct aps_entry *entry;
	assert_int_equal(aps_entries_find(&world.cache.entries, aps_str_of(key), &entry, NULL), APS_OK);
	return entry != NULL && entry->content != NULL;
}

static void in_a_list_the_others_keep_their_places(void **state)
{
	(void)state;
	static const char *const ROWS[][2] = {
	        {"{\"list\":[#{\"__typename\":\"T\",\"id\":\"1\",\"n\":1},{\"__typename\":\"T\",\"id\":\"2\",\"n\":2}]"
	         "}",
	         "{\"list\":[null,{\"n\":2,\"__typename\":\"T\"}]}"},
	        {"{\"list\":[{\"__typename\":\"T\",\"id\":\"2\",\"n\":2},#{\"__typename\":\"T\",\"id\":\"1\",\"n\":1}]"
	         "}",
	         "{\"list\":[{\"n\":2,\"__typename\":\"T\"},null]}"},
	        {"{\"list\":[#{\"__typename\":\"T\",\"id\":\"1\"},#{},#{\"id\":\"3\",\"sub\":{\"id\":\"4\"}}]}",
	         "{\"list\":[null,null,null]}"},
	        {"{\"list\":[[#{\"__typename\":\"T\",\"id\":\"1\"}],null, #{ \"id\" : \"1\" } ]}",
	         "{\"list\":[[null],null,null]}"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		world_close();
		world_open();
		write_without(QUERY, ROWS[i][0], AT_ROOT);
		assert_reads("{ list { n } }", "{}", ROWS[i][1]);
		assert_false(is_known("RT:1"));
	}
}

static void by_itself_a_null_stands_there(void **state)
{
	(void)state;
	write_data("{ other { id n } }", "{}", "{\"other\":{\"__typename\":\"T\",\"id\":\"1\",\"n\":1}}");
	assert_string_equal(write_without("{ other { id n } }",
	                                  "{\"other\":#{\"__typename\":\"T\",\"id\":\"1\",\"n\":2}}", AT_ROOT),
	                    "ROOT_QUERY.other");
	assert_reads("{ other { n } }", "{}", "{\"other\":null}");
	write_data("{ z { id } }", "{}", "{\"z\":{\"__typename\":\"T\",\"id\":\"1\"}}");
	assert_reads("{ z { n } }", "{}", "{\"z\":{\"n\":1,\"__typename\":\"T\"}}");
}

/* Of what is passed over nothing within counts, whether it is named or not. */
static void what_is_within_goes_with_it(void **state)
{
	(void)state;
	write_without(QUERY,
	              "{\"list\":[#{\"__typename\":\"T\",\"id\":\"1\",\"sub\":#{\"__typename\":\"T\",\"id\":\"2\"}},"
	              "{\"__typename\":\"T\",\"id\":\"3\",\"sub\":#{\"__typename\":\"T\",\"id\":\"4\"}},"
	              "#{\"__typename\":\"T\",\"id\":\"5\",\"sub\":[[{\"a\":\"}]\"}]]}],"
	              "\"other\":{\"__typename\":\"T\",\"id\":\"6\",\"n\":6}}",
	              AT_ROOT);
	assert_false(is_known("RT:1"));
	assert_false(is_known("RT:2"));
	assert_true(is_known("RT:3"));
	assert_false(is_known("RT:4"));
	assert_false(is_known("RT:5"));
	assert_reads("{ list { id sub { id } } other { n } }", "{}",
	             "{\"list\":[null,{\"id\":\"3\",\"sub\":null,\"__typename\":\"T\"},null],"
	             "\"other\":{\"n\":6,\"__typename\":\"T\"}}");
}

/* Where nothing is selected of an object it is a value, and no object begins there. */
static void a_place_where_no_object_begins_means_nothing(void **state)
{
	(void)state;
	static const char DATA[] = "{\"a\":{\"x\":1},\"b\":{\"__typename\":\"T\",\"id\":\"1\"}}";
	const size_t skipped[] = {0, 1, 5, 6, 14, 18, 500};
	struct aps_normalize_options options = AT_ROOT;
	options.skipped = skipped;
	options.n_skipped = APS_COUNTOF(skipped);
	write_with("{ a b { id } }", "{}", DATA, &options);
	assert_reads("{ a b { id } }", "{}", "{\"a\":{\"x\":1},\"b\":{\"id\":\"1\",\"__typename\":\"T\"}}");
}

static void paths_of_errors_lead_to_the_same_places(void **state)
{
	(void)state;
	struct aps_normalize_options options = AT_ROOT;
	options.errors = APS_STR("[{\"message\":\"no\",\"path\":[\"list\",2,\"n\"]},{\"path\":[\"other\"]}]");
	write_data(QUERY, "{}", "{\"list\":[],\"other\":{\"__typename\":\"T\",\"id\":\"9\",\"n\":9}}");
	write_data("{ c { id n } }", "{}", "{\"c\":{\"__typename\":\"T\",\"id\":\"3\",\"n\":3}}");
	write_without(
	        QUERY,
	        "{\"list\":[#{\"__typename\":\"T\",\"id\":\"1\",\"n\":1},{\"__typename\":\"T\",\"id\":\"2\",\"n\":2},"
	        "{\"__typename\":\"T\",\"id\":\"3\",\"n\":null}],\"other\":null}",
	        options);
	assert_reads("{ c { n } other { n } }", "{}",
	             "{\"c\":{\"n\":3,\"__typename\":\"T\"},\"other\":{\"n\":9,\"__typename\":\"T\"}}");
	assert_false(is_known("RT:1"));
	assert_true(is_known("RT:2"));
}

/* What the application has told of objects is found by their places, also behind one that is passed over. */
static void what_was_asked_of_the_others_counts(void **state)
{
	(void)state;
	static const char DATA[] =
	        "{\"list\":[{\"id\":\"1\",\"sub\":{\"id\":\"2\",\"__typename\":\"T\"},\"__typename\":\"T\"},"
	        "{\"id\":\"3\",\"sub\":{\"id\":\"4\",\"__typename\":\"T\"},\"__typename\":\"T\"}]}";
	static const char *const KEYS[] = {"A:1", "A:2", "A:3", "A:4"};
	struct aps_gql_document *doc = parse("{ list { id sub { id } } }");
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
	struct aps_asked *asked = aps_asked_new();
	struct aps_normalize_options options = AT_ROOT;
	world.policies.asks_all = true;
	assert_int_equal(aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), NULL),
	                 APS_OK);
	assert_int_equal(aps_asked_scan(asked, &binding, aps_str_of(DATA), NULL), APS_OK);
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	assert_int_equal(aps_asked_count(asked), 4);
	for (size_t i = 0; i < 4; i++) {
		struct aps_str text = aps_asked_text(asked, i, aps_str_of(DATA));
		const char *id = aps_str_find(text, "\"id\":\"");
		assert_true(aps_asked_tell(asked, i, aps_str_of(KEYS[id[6] - '1'])));
	}
	const size_t skipped[] = {(size_t)(strchr(DATA, '[') - DATA) + 1};
	options.asked = asked;
	options.skipped = skipped;
	options.n_skipped = 1;
	write_with("{ list { id sub { id } } }", "{}", DATA, &options);
	aps_asked_unref(asked);
	assert_false(is_known("RA:1"));
	assert_false(is_known("RA:2"));
	assert_true(is_known("RA:3"));
	assert_true(is_known("RA:4"));
}

static void without_memory_nothing_is_written(void **state)
{
	(void)state;
	bool has_failed = true;
	for (size_t nth = 1; has_failed; nth++) {
		world_close();
		world_open();
		struct aps_gql_document *doc = parse("{ list { id n } }");
		struct aps_binding binding = {
		        .policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
		static const char DATA[] = "{\"list\":[{\"id\":\"1\"},{\"__typename\":\"T\",\"id\":\"2\",\"n\":2}]}";
		const size_t skipped[] = {9};
		struct aps_normalize_options options = AT_ROOT;
		struct aps_normalized out;
		struct aps_err err;
		options.skipped = skipped;
		options.n_skipped = 1;
		aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
		assert_int_equal(
		        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), NULL),
		        APS_OK);
		aps_write_begin(&world.write, &world.cache);
		aps_mem_fail_at(nth);
		bool has_merge = aps_merge_init(&world.merge, &world.write);
		enum aps_rc rc = has_merge
		                         ? aps_normalize(&world.merge, &binding, aps_str_of(DATA), &options, &out, &err)
		                         : APS_E_NOMEM;
		has_failed = rc != APS_OK;
		aps_mem_fail_at(0);
		if (has_failed) assert_int_equal(rc, APS_E_NOMEM);
		aps_write_abort(&world.write);
		assert_false(is_known("RT:2"));
		aps_buf_clear(&out.stale);
		aps_binding_clear(&binding);
		aps_gql_document_unref(doc);
		if (!has_failed) assert_true(nth > 5);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(in_a_list_the_others_keep_their_places),
	        TEST(by_itself_a_null_stands_there),
	        TEST(what_is_within_goes_with_it),
	        TEST(a_place_where_no_object_begins_means_nothing),
	        TEST(paths_of_errors_lead_to_the_same_places),
	        TEST(what_was_asked_of_the_others_counts),
	        TEST(without_memory_nothing_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
