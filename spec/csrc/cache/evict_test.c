#include "cache_world.h"

#include "cache/evict.h"

static const char *evict(const char *key, const char *field)
{
	aps_write_begin(&world.write, &world.cache);
	bool is_there = aps_evict(&world.write, aps_str_of(key), aps_str_of(field));
	assert_true(aps_write_settle(&world.write));
	tell_changes();
	assert_int_equal(is_there, world.changes.n != 0);
	aps_write_commit(&world.write);
	return world.changes.n != 0 ? world.changes.p : "";
}

#define QUERY "{ all { id t n(x: 1) } one { id } }"
#define DATA                                                                                                           \
	"{\"all\":[{\"id\":\"1\",\"t\":1,\"n\":2,\"__typename\":\"T\"},{\"id\":\"2\",\"t\":3,\"n\":4,"                 \
	"\"__typename\":\"T\"}],\"one\":{\"id\":\"1\",\"__typename\":\"T\"}}"

static void lists_read_without_an_evicted_record_and_others_miss_it(void **state)
{
	(void)state;
	write_data(QUERY, "{}", DATA);
	assert_string_equal(evict("T:1", ""), "T:1.__typename T:1.id T:1.t 1.n({\"x\":1})");
	assert_reads("{ all { id } }", "{}", "{\"all\":[{\"id\":\"2\",\"__typename\":\"T\"}]}");
	assert_reads("{ one { id } }", "{}", "missing one");
	assert_string_equal(read_with("{ one { id } all { id } }", "{}", true),
	                    "{\"one\":{},\"all\":[{\"id\":\"2\",\"__typename\":\"T\"}]} missing one");
	assert_string_equal(evict("T:1", ""), "");
	assert_string_equal(evict("T:9", ""), "");
}

static void a_record_that_is_written_again_is_where_it_was(void **state)
{
	(void)state;
	write_data(QUERY, "{}", DATA);
	evict("T:1", "");
	write_data("{ two { id t } }", "{}", "{\"two\":{\"id\":\"1\",\"t\":7,\"__typename\":\"T\"}}");
	assert_reads(
	        "{ all { id t } }", "{}",
	        "{\"all\":[{\"id\":\"1\",\"t\":7,\"__typename\":\"T\"},{\"id\":\"2\",\"t\":3,\"__typename\":\"T\"}]}");
	/* what was evicted with it is not */
	assert_reads("{ all { n(x: 1) } }", "{}", "missing all.0.n");
}

static void one_field_or_all_of_its_arguments_can_be_evicted(void **state)
{
	(void)state;
	write_data("{ a { id t u } m(x: 1) k: m(x: 2) mm(x: 1) m2: m }", "{}",
	           "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":2,\"__typename\":\"T\"},\"m\":1,\"k\":2,\"mm\":3,\"m2\":4}");
	assert_string_equal(evict("T:1", "t"), "T:1.t");
	assert_reads("{ a { t } }", "{}", "missing a.t");
	assert_reads("{ a { u } }", "{}", "{\"a\":{\"u\":2,\"__typename\":\"T\"}}");
	assert_string_equal(evict("ROOT_QUERY", "m({\"x\":1})"), "2.m({\"x\":1})");
	assert_reads("{ m(x: 2) }", "{}", "{\"m\":2}");
	assert_reads("{ m(x: 1) }", "{}", "missing m");
	assert_string_equal(evict("ROOT_QUERY", "m"), "ROOT_QUERY.m 2.m({\"x\":2})");
	assert_reads("{ m }", "{}", "missing m");
	assert_reads("{ mm(x: 1) }", "{}", "{\"mm\":3}");
	write_data("{ d: m @odd e: m(x: 1) @odd }", "{}", "{\"d\":1,\"e\":2}");
	assert_string_equal(evict("ROOT_QUERY", "m"), "2.m({\"x\":1})@odd 2.m@odd");
}

static void pages_of_a_connection_become_one_list(void **state)
{
	(void)state;
	static const struct aps_str NO_KEY_ARGS[] = {APS_STR("")};
	*aps_policies_field(&world.policies, APS_STR("Query"), APS_STR("list")) = (struct aps_field_policy){
	        .key_args = {NO_KEY_ARGS, 0}, .has_key_args = true, .merge = APS_MERGE_CONNECTION};
	static const char PAGE[] = "query Q($t: String) { list(nextToken: $t) { items { id } nextToken } }";
	write_data(PAGE, "{}",
	           "{\"list\":{\"items\":[{\"id\":\"1\",\"__typename\":\"T\"}],\"nextToken\":\"a\","
	           "\"__typename\":\"C\"}}");
	write_data(PAGE, "{\"t\":\"a\"}",
	           "{\"list\":{\"items\":[{\"id\":\"2\",\"__typename\":\"T\"}],"
	           "\"nextToken\":null,\"__typename\":\"C\"}}");
	assert_reads(PAGE, "{}",
	             "{\"list\":{\"items\":[{\"id\":\"1\",\"__typename\":\"T\"},{\"id\":\"2\",\"__typename\":\"T\"}],"
	             "\"nextToken\":null,\"__typename\":\"C\"}}");
	/* the first page anew */
	write_data(PAGE, "{}",
	           "{\"list\":{\"items\":[{\"id\":\"3\",\"__typename\":\"T\"}],\"nextToken\":\"b\","
	           "\"__typename\":\"C\"}}");
	assert_reads(PAGE, "{\"t\":\"any\"}",
	             "{\"list\":{\"items\":[{\"id\":\"3\",\"__typename\":\"T\"}],\"nextToken\":\"b\",\"__typename\":"
	             "\"C\"}}");
	assert_string_equal(evict("ROOT_QUERY", "list"), "2.list");
}

static size_t count_listed(const char *prefix)
{
	struct aps_buf numbers;
	aps_buf_init(&numbers, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_entries_list(&world.cache.entries, aps_str_of(prefix), &numbers, NULL), APS_OK);
	size_t n = numbers.n / sizeof(uint64_t);
	aps_buf_clear(&numbers);
	return n;
}

static void the_fields_of_a_record_are_found_among_many(void **state)
{
	(void)state;
	struct aps_entries *entries = &world.cache.entries;
	char key[64];
	struct aps_entry *kept[600];
	for (int i = 0; i < 600; i++) {
		snprintf(key, sizeof key, "F%d.f({\"n\":%d})", 1 + i % 20, i);
		kept[i] = aps_entries_add(entries, aps_str_of(key));
		assert_non_null(kept[i]);
	}
	aps_entries_add(entries, APS_STR("RF1.f"));
	assert_int_equal(count_listed("F1."), 30);
	assert_int_equal(count_listed("F2.f("), 30);
	assert_int_equal(count_listed("F20.f({\"n\":19"), 2); /* 19 and 199 */
	assert_int_equal(count_listed("F2.g"), 0);
	assert_int_equal(count_listed("F21."), 0);
	assert_int_equal(count_listed("F1"), 30 * 11); /* of 1 and of 10 to 19 */
	assert_int_equal(count_listed("R"), 1);
	for (int i = 0; i < 600; i += 2) aps_entries_forget(entries, kept[i]);
	assert_int_equal(count_listed("F1."), 0);
	assert_int_equal(count_listed("F2."), 30);
	for (size_t nth = 1; nth < 12; nth++) { /* longer chains, or no entry */
		snprintf(key, sizeof key, "F2.g({\"n\":%zu})", nth);
		size_t n = count_listed("F2.");
		aps_mem_fail_at(nth % 3 + 1);
		const struct aps_entry *entry = aps_entries_add(entries, aps_str_of(key));
		aps_mem_fail_at(0);
		assert_int_equal(count_listed("F2."), n + (entry != NULL));
	}
}

static void without_memory_for_fields_there_are_none(void **state)
{
	(void)state;
	for (size_t nth = 1; nth < 6; nth++) {
		struct aps_entries entries;
		aps_entries_init(&entries, 1, NULL);
		aps_mem_fail_at(nth);
		const struct aps_entry *entry = aps_entries_add(&entries, APS_STR("F1.a"));
		aps_mem_fail_at(0);
		assert_int_equal(entry != NULL, nth > 4);
		assert_int_equal(entries.n_entries, entry != NULL);
		aps_entries_clear(&entries);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(lists_read_without_an_evicted_record_and_others_miss_it, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(a_record_that_is_written_again_is_where_it_was, setup, teardown),
	        cmocka_unit_test_setup_teardown(one_field_or_all_of_its_arguments_can_be_evicted, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_fields_of_a_record_are_found_among_many, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_for_fields_there_are_none, setup, teardown),
	        cmocka_unit_test_setup_teardown(pages_of_a_connection_become_one_list, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
