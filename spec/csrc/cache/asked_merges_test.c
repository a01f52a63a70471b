#include "cache_world.h"

#include "cache/asked_merges.h"
#include "cache/edit.h"

#define FEED  "query Q($n: Int) { feed(offset: $n) { id } }"
#define A(id) "{\"id\":\"" id "\",\"__typename\":\"A\"}"

static void ask_about(const char *type, const char *field)
{
	struct aps_field_policy *policy = aps_policies_field(&world.policies, aps_str_of(type), aps_str_of(field));
	assert_non_null(policy);
	policy->merge = APS_MERGE_ASKED;
	policy->has_key_args = true;
	policy->key_args = (struct aps_key_args){NULL, 0};
	world.policies.asks_merges = true;
}

static const char *write_merged(const char *query, const char *variables, const char *data,
                                struct aps_asked_merges *merges)
{
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY"), .merges = merges};
	return write_with(query, variables, data, &options);
}

static const char WAITS[] = "error: a field waits for its merge function";

static void expect_open(const struct aps_asked_merges *merges, size_t index, const char *field, const char *args,
                        const char *existing, const char *incoming)
{
	assert_true(index < aps_asked_merges_count(merges));
	const struct aps_asked_merge *item = aps_asked_merges_at(merges, index);
	assert_int_equal(item->state, APS_MERGE_OPEN);
	const char *const expected[] = {field, args, existing, incoming};
	const struct aps_asked_text texts[] = {item->field, item->args, item->existing, item->incoming};
	for (size_t i = 0; i < APS_COUNTOF(texts); i++) {
		struct aps_str text = aps_asked_merges_text(merges, texts[i]);
		if (!aps_str_is(text, expected[i])) fail_msg("%.*s isn't %s", (int)text.n, text.p, expected[i]);
	}
}

static void a_field_gets_what_was_made_of_it(void **state)
{
	(void)state;
	struct aps_asked_merges *merges = aps_asked_merges_new();
	ask_about("Query", "feed");
	assert_string_equal(write_merged(FEED, "{\"n\":0}", "{\"feed\":[" A("1") "]}", merges), WAITS);
	assert_int_equal(aps_asked_merges_count(merges), 1);
	expect_open(merges, 0, "Query.feed", "{\"offset\":0}", "", "{\"__list\":[{\"__ref\":\"A:1\"}]}");
	assert_reads("{ feed { id } }", "{}", "missing feed"); /* nothing of it was kept */
	assert_true(
	        aps_asked_merges_tell(merges, 0, APS_STR("{\"__list\":[{\"__ref\":\"A:1\"},{\"__ref\":\"A:1\"}]}")));
	assert_false(aps_asked_merges_are_open(merges));
	write_merged(FEED, "{\"n\":0}", "{\"feed\":[" A("1") "]}", merges);
	assert_reads("{ feed { id } }", "{}", "{\"feed\":[" A("1") "," A("1") "]}");
	aps_asked_merges_unref(merges);
	/* the next one sees it */
	merges = aps_asked_merges_new();
	assert_string_equal(write_merged(FEED, "{\"n\":2}", "{\"feed\":null}", merges), WAITS);
	expect_open(merges, 0, "Query.feed", "{\"offset\":2}", "{\"__list\":[{\"__ref\":\"A:1\"},{\"__ref\":\"A:1\"}]}",
	            "null");
	assert_true(aps_asked_merges_tell(merges, 0, APS_STR(""))); /* nothing came of it */
	write_merged(FEED, "{\"n\":2}", "{\"feed\":null}", merges);
	assert_reads("{ feed { id } }", "{}", "{\"feed\":null}");
	aps_asked_merges_unref(merges);
}

static void what_is_other_than_it_was_is_asked_for_again(void **state)
{
	(void)state;
	struct aps_asked_merges *merges = aps_asked_merges_new();
	ask_about("Query", "feed");
	assert_string_equal(write_merged(FEED, "{}", "{\"feed\":[" A("1") "]}", merges), WAITS);
	assert_true(aps_asked_merges_tell(merges, 0, APS_STR("{\"__list\":[{\"__ref\":\"A:1\"}]}")));
	write_data("{ feed { id } }", "{}", "{\"feed\":[" A("2") "]}");
	assert_string_equal(write_merged(FEED, "{}", "{\"feed\":[" A("1") "]}", merges), WAITS);
	assert_int_equal(aps_asked_merges_count(merges), 1);
	expect_open(merges, 0, "Query.feed", "{}", "{\"__list\":[{\"__ref\":\"A:2\"}]}",
	            "{\"__list\":[{\"__ref\":\"A:1\"}]}");
	assert_true(
	        aps_asked_merges_tell(merges, 0, APS_STR("{\"__list\":[{\"__ref\":\"A:2\"},{\"__ref\":\"A:1\"}]}")));
	/* settled it is good for anything */
	write_data("{ feed { id } }", "{}", "{\"feed\":[" A("3") "]}");
	merges->is_settled = true;
	write_merged(FEED, "{}", "{\"feed\":[" A("1") "]}", merges);
	assert_reads("{ feed { id } }", "{}", "{\"feed\":[" A("2") "," A("1") "]}");
	/* and what wasn't asked for replaces */
	write_merged("{ a: feed { id } feed { id } }", "{}", "{\"a\":[" A("1") "],\"feed\":[" A("3") "]}", merges);
	assert_reads("{ feed { id } }", "{}", "{\"feed\":[" A("3") "]}");
	aps_asked_merges_unref(merges);
}

static void one_after_the_other_is_told_where_they_are_of_one_field(void **state)
{
	(void)state;
	static const char TWICE[] = "{ a: feed { id } b: feed { id } }";
	static const char DATA[] = "{\"a\":[" A("1") "],\"b\":[" A("2") "]}";
	struct aps_asked_merges *merges = aps_asked_merges_new();
	ask_about("Query", "feed");
	assert_string_equal(write_merged(TWICE, "{}", DATA, merges), WAITS);
	assert_int_equal(aps_asked_merges_count(merges), 2);
	assert_true(aps_asked_merges_tell(merges, 0, APS_STR("{\"__list\":[{\"__ref\":\"A:9\"}]}")));
	assert_true(aps_asked_merges_tell(merges, 1, APS_STR("{\"__list\":[]}")));
	assert_string_equal(write_merged(TWICE, "{}", DATA, merges), WAITS);
	assert_int_equal(aps_asked_merges_at(merges, 0)->state, APS_MERGE_TOLD);
	expect_open(merges, 1, "Query.feed", "{}", "{\"__list\":[{\"__ref\":\"A:9\"}]}",
	            "{\"__list\":[{\"__ref\":\"A:2\"}]}");
	assert_true(aps_asked_merges_tell(merges, 1, APS_STR("{\"__list\":[{\"__ref\":\"A:2\"}]}")));
	write_merged(TWICE, "{}", DATA, merges);
	assert_reads("{ feed { id } }", "{}", "{\"feed\":[" A("2") "]}");
	aps_asked_merges_unref(merges);
}

static void fields_of_records_are_asked_for_those_of_embedded_objects_are_not(void **state)
{
	(void)state;
	static const char QUERY[] = "{ a { id list { n } } b { list { n } } }";
	static const char DATA[] = "{\"a\":{\"id\":\"1\",\"list\":[{\"n\":1}],\"__typename\":\"A\"},"
	                           "\"b\":{\"list\":[{\"n\":2}],\"__typename\":\"A\"}}";
	struct aps_asked_merges *merges = aps_asked_merges_new();
	ask_about("A", "list");
	assert_string_equal(write_merged(QUERY, "{}", DATA, merges), WAITS);
	assert_int_equal(aps_asked_merges_count(merges), 1);
	expect_open(merges, 0, "A.list", "{}", "", "{\"__list\":[{\"n\":1}]}");
	assert_true(aps_asked_merges_tell(merges, 0, APS_STR("{\"__json\":[{\"n\":3},{\"n\":4}]}")));
	write_merged(QUERY, "{}", DATA, merges);
	assert_reads(QUERY, "{}",
	             "{\"a\":{\"id\":\"1\",\"list\":[{\"n\":3},{\"n\":4}],\"__typename\":\"A\"},"
	             "\"b\":{\"list\":[{\"n\":2}],\"__typename\":\"A\"}}");
	aps_asked_merges_unref(merges);
}

static void a_result_replaces_an_object_whole(void **state)
{
	(void)state;
	static const char QUERY[] = "{ page { items { id } nextToken } }";
	struct aps_asked_merges *merges = aps_asked_merges_new();
	ask_about("Query", "page");
	write_data("{ page { items { id } nextToken more } }", "{}",
	           "{\"page\":{\"items\":[" A("1") "],\"nextToken\":\"x\",\"more\":1}}");
	static const char DATA[] = "{\"page\":{\"items\":[" A("2") "],\"nextToken\":null}}";
	assert_string_equal(write_merged(QUERY, "{}", DATA, merges), WAITS);
	/* an empty list is one, because there is one in what came */
	assert_true(aps_asked_merges_tell(merges, 0, APS_STR("{\"items\":{\"__json\":[]},\"nextToken\":\"y\"}")));
	write_merged(QUERY, "{}", DATA, merges);
	assert_reads(QUERY, "{}", "{\"page\":{\"items\":[],\"nextToken\":\"y\"}}");
	assert_reads("{ page { more } }", "{}", "missing page.more");
	/* of what no field can have nothing comes: what is new replaces what is there */
	assert_string_equal(write_merged(QUERY, "{}", DATA, merges), WAITS);
	assert_true(aps_asked_merges_tell(merges, 0, APS_STR("[")));
	write_merged(QUERY, "{}", DATA, merges);
	assert_reads(QUERY, "{}", DATA);
	aps_asked_merges_unref(merges);
}

static void an_edit_keeps_what_was_made(void **state)
{
	(void)state;
	struct aps_asked_merges *merges = aps_asked_merges_new();
	struct aps_edits *edits = aps_edits_new();
	struct aps_gql_document *document = parse("{ feed { id } }");
	ask_about("Query", "feed");
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_WRITE,
	        .key = APS_STR("ROOT_QUERY"),
	        .document = document,
	        .definition = aps_gql_document_operation(document, 0),
	        .json = APS_STR("{\"feed\":[" A("1") "]}"),
	        .merges = merges,
	};
	size_t n_bytes = aps_edits_bytes(edits);
	assert_true(aps_edits_add(edits, &what));
	struct aps_err err;
	aps_write_begin(&world.write, &world.cache);
	assert_true(aps_merge_init(&world.merge, &world.write));
	assert_int_equal(aps_edits_apply(edits, 0, &world.merge, &world.policies, &err), APS_E_CONFLICT);
	assert_string_equal(err.word, "asked");
	aps_write_abort(&world.write);
	aps_edits_drop_last(edits);
	assert_int_equal(aps_edits_bytes(edits), n_bytes); /* what was noted meanwhile doesn't count */
	assert_true(aps_asked_merges_tell(merges, 0, APS_STR("{\"__list\":[]}")));
	assert_true(aps_edits_add(edits, &what));
	merges->is_settled = true;
	aps_asked_merges_unref(merges);
	aps_gql_document_unref(document);
	aps_merge_clear(&world.merge);
	aps_write_begin(&world.write, &world.cache);
	assert_true(aps_merge_init(&world.merge, &world.write));
	assert_int_equal(aps_edits_apply(edits, 0, &world.merge, &world.policies, &err), APS_OK);
	assert_true(aps_write_settle(&world.write));
	aps_write_commit(&world.write);
	assert_reads("{ feed { id } }", "{}", "{\"feed\":[]}");
	aps_edits_unref(edits);
}

static void without_memory_a_write_fails_and_changes_nothing(void **state)
{
	(void)state;
	static const char DATA[] = "{\"feed\":[" A("1") "]}";
	ask_about("Query", "feed");
	write_data("{ feed { id } }", "{}", "{\"feed\":[" A("7") "]}");
	bool is_done = false;
	for (size_t nth = 1; !is_done; nth++) {
		struct aps_asked_merges *merges = aps_asked_merges_new();
		struct aps_gql_document *doc = parse("{ feed { id } }");
		struct aps_binding binding = {
		        .policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
		assert_int_equal(
		        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), NULL),
		        APS_OK);
		const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY"), .merges = merges};
		struct aps_normalized out;
		struct aps_err err = {0};
		bool is_told = false;
		aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		for (int round = 0; round < 2; round++) {
			aps_write_begin(&world.write, &world.cache);
			aps_merge_clear(&world.merge);
			enum aps_rc rc =
			        aps_merge_init(&world.merge, &world.write)
			                ? aps_normalize(&world.merge, &binding, (struct aps_str){DATA, sizeof DATA - 1},
			                                &options, &out, &err)
			                : APS_E_NOMEM;
			is_done = rc == APS_OK;
			aps_write_abort(&world.write);
			if (rc != APS_E_CONFLICT) break;
			is_told = aps_asked_merges_tell(merges, 0, APS_STR("{\"__list\":[{\"__ref\":\"A:8\"}]}"));
			if (!is_told) assert_int_equal(aps_asked_merges_at(merges, 0)->state, APS_MERGE_UNTOLD);
		}
		aps_mem_fail_at(0);
		assert_true(is_done || err.code == APS_E_NOMEM || err.code == APS_E_CONFLICT);
		aps_buf_clear(&out.stale);
		aps_binding_clear(&binding);
		aps_gql_document_unref(doc);
		aps_asked_merges_unref(merges);
		assert_reads("{ feed { id } }", "{}", "{\"feed\":[" A("7") "]}");
		is_done = is_done && is_told;
		assert_true(nth < 300);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_field_gets_what_was_made_of_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_is_other_than_it_was_is_asked_for_again, setup, teardown),
	        cmocka_unit_test_setup_teardown(one_after_the_other_is_told_where_they_are_of_one_field, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(fields_of_records_are_asked_for_those_of_embedded_objects_are_not,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(a_result_replaces_an_object_whole, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_edit_keeps_what_was_made, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_a_write_fails_and_changes_nothing, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
