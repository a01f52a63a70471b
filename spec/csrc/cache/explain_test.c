#include "cache/explain.h"

#include "cache_world.h"

#define POST(id, rest) "{\"id\":\"" id "\",\"__typename\":\"Post\"" rest "}"

/* Layers show in the whole of an entry. */
static enum aps_rc at_optimistic(struct aps_read_source *source, uint64_t number, struct aps_str *content,
                                 struct aps_err *err)
{
	const struct aps_entry *entry = aps_entries_peek(&world.cache.entries, number);
	source->is_optimistic = entry != NULL && entry->layered != NULL;
	return read_at(source, number, content, err);
}

static enum aps_rc find_optimistic(struct aps_read_source *source, struct aps_str key, uint64_t *number,
                                   struct aps_str *content, struct aps_err *err)
{
	enum aps_rc rc = read_find(source, key, number, content, err);
	const struct aps_entry *entry = aps_entries_peek(&world.cache.entries, *number);
	source->is_optimistic = entry != NULL && entry->layered != NULL;
	return rc;
}

static enum aps_rc explain_at(int64_t now_s, const char *query, struct aps_buf *out, struct aps_err *err)
{
	struct aps_gql_document *doc = parse(query);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
	struct aps_read_result result;
	struct aps_explain explain;
	aps_explain_init(&explain, &world.cache.entries, out);
	const struct aps_read_options options = {
	        .root = APS_STR("RROOT_QUERY"), .is_partial = true, .now_s = now_s, .observer = &explain.observer};
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), err);
	if (rc == APS_OK) rc = aps_denormalize(&world.source, &binding, &options, &result, err);
	if (rc == APS_OK) rc = aps_explain_finish(&explain, err);
	aps_read_result_clear(&result);
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	return rc;
}

/* "path state key, …" and at the end "complete" and "network" where they hold. */
static const char *explained(int64_t now_s, const char *query)
{
	static char text[4096];
	struct aps_buf out;
	struct aps_err err;
	int n = 0;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	if (explain_at(now_s, query, &out, &err) != APS_OK) fail_msg("%s", err.msg);
	text[0] = '\0';
	for (const char *at = out.p; (at = strstr(at, "{\"path\":\"")) != NULL; at++) {
		char path[64], state[32], key[64];
		assert_int_equal(sscanf(at, "{\"path\":\"%63[^\"]\",\"state\":\"%31[^\"]\",\"key\":\"%63[^\"]\"}", path,
		                        state, key),
		                 3);
		n += snprintf(text + n, sizeof text - (size_t)n, "%s %s %s, ", path, state, key);
	}
	if (strstr(out.p, "\"complete\":true") != NULL) n += snprintf(text + n, sizeof text - (size_t)n, "complete ");
	if (strstr(out.p, "\"network\":true") != NULL) snprintf(text + n, sizeof text - (size_t)n, "network");
	aps_buf_clear(&out);
	return text;
}

static void each_field_is_told_with_its_record(void **state)
{
	(void)state;
	write_data(
	        "{ n a { id title box { x } tags by { id } } all { id } none { id } empty { id } }", "{}",
	        "{\"n\":1,\"a\":" POST(
	                "1",
	                ",\"title\":\"t\",\"box\":{\"x\":1},\"tags\":[1,2],\"by\":null") ",\"all\":[" POST("1",
	                                                                                                   "") "," POST("2",
	                                                                                                                "") "],\"none\":null,\"empty\":[]}");
	assert_string_equal(
	        explained(0, "{ n a { id title box { x } tags by { id } } all { id } none { id } empty { id } }"),
	        "n cached ROOT_QUERY, a.id cached Post:1, a.title cached Post:1, a.box.x cached Post:1, "
	        "a.tags cached Post:1, a.by cached Post:1, all.0.id cached Post:1, all.1.id cached Post:2, "
	        "none cached ROOT_QUERY, empty cached ROOT_QUERY, complete ");
}

static void what_is_missing_is_told_by_its_path(void **state)
{
	(void)state;
	assert_string_equal(explained(0, "{ a { id } }"), "a missing ROOT_QUERY, network");
	write_data("{ a { id list(n: 1) { id } } }", "{}", "{\"a\":" POST("1", ",\"list\":[" POST("2", "") "]") "}");
	assert_string_equal(explained(0, "{ a { id title list(n: 1) { id text } list2: list(n: 2) { id } } b }"),
	                    "a.id cached Post:1, a.title missing Post:1, a.list.0.id cached Post:2, "
	                    "a.list.0.text missing Post:2, a.list2 missing Post:1, b missing ROOT_QUERY, network");
}

static void what_has_expired_asks_the_network_and_is_complete(void **state)
{
	(void)state;
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY"), .now_s = 1000};
	aps_policies_type(&world.policies, APS_STR("Post"))->ttl_ms = 60000;
	write_with("{ a { id by { id } } b }", "{}",
	           "{\"a\":" POST("1", ",\"by\":{\"id\":\"7\",\"__typename\":\"User\"}") ",\"b\":1}", &options);
	assert_string_equal(explained(1059, "{ a { id by { id } } b }"),
	                    "a.id cached Post:1, a.by.id cached User:7, b cached ROOT_QUERY, complete ");
	assert_string_equal(explained(1060, "{ a { id by { id } } b }"),
	                    "a.id expired Post:1, a.by.id cached User:7, b cached ROOT_QUERY, complete network");
	/* a clock that was ahead when the record came */
	assert_string_equal(explained(1, "{ a { id } }"), "a.id expired Post:1, complete network");
	assert_string_equal(explained(950, "{ a { id } }"), "a.id cached Post:1, complete ");
}

static void a_record_from_before_its_type_expired_has_expired(void **state)
{
	(void)state;
	write_data("{ a { id } }", "{}", "{\"a\":" POST("1", "") "}");
	aps_policies_type(&world.policies, APS_STR("Post"))->ttl_ms = 1;
	assert_string_equal(explained(5, "{ a { id } }"), "a.id expired Post:1, complete network");
	assert_string_equal(explained(0, "{ a { id } }"), "a.id cached Post:1, complete ");
}

static void what_layers_say_is_optimistic(void **state)
{
	(void)state;
	world.source.at = at_optimistic;
	world.source.find = find_optimistic;
	write_data("{ a { id title } b { id } l(n: 1) }", "{}",
	           "{\"a\":" POST("1", ",\"title\":\"t\"") ",\"b\":" POST("2", "") ",\"l\":1}");
	write_layer(7, "{ a { id title } l(n: 1) }", "{\"a\":" POST("1", ",\"title\":\"u\"") ",\"l\":2}");
	assert_string_equal(explained(0, "{ a { title } b { id } l(n: 1) }"),
	                    "a.title optimistic Post:1, b.id cached Post:2, l optimistic ROOT_QUERY, complete ");
}

static void many_fields_are_told_up_to_a_bound_and_all_of_them_count(void **state)
{
	(void)state;
	struct aps_buf data, out;
	struct aps_err err;
	aps_buf_init(&data, APS_BUF_ANY_SIZE);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&data, "{\"all\":[");
	for (int i = 0; i <= APS_EXPLAIN_MAX_FIELDS; i++)
		aps_buf_addf(&data, "%s" POST("%d", ""), i != 0 ? "," : "", i);
	aps_buf_add_text(&data, "]}");
	write_data("{ all { id } }", "{}", data.p);
	assert_int_equal(explain_at(0, "{ all { id } x }", &out, &err), APS_OK);
	size_t n = 0;
	for (const char *at = out.p; (at = strstr(at, "{\"path\":")) != NULL; at++) n++;
	assert_int_equal(n, APS_EXPLAIN_MAX_FIELDS);
	assert_non_null(strstr(out.p, "\"complete\":false"));
	aps_buf_clear(&data);
	aps_buf_clear(&out);
}

static void without_memory_it_is_told(void **state)
{
	(void)state;
	write_data("{ a { id } }", "{}", "{\"a\":" POST("1", "") "}");
	for (size_t nth = 1;; nth++) {
		struct aps_buf out;
		struct aps_err err;
		struct aps_gql_document *doc = parse("{ a { id title } }");
		struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
		struct aps_read_result result;
		struct aps_explain explain;
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		aps_explain_init(&explain, &world.cache.entries, &out);
		const struct aps_read_options options = {
		        .root = APS_STR("RROOT_QUERY"), .is_partial = true, .observer = &explain.observer};
		aps_read_result_init(&result, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		enum aps_rc rc =
		        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err);
		if (rc == APS_OK) rc = aps_denormalize(&world.source, &binding, &options, &result, &err);
		if (rc == APS_OK) rc = aps_explain_finish(&explain, &err);
		aps_mem_fail_at(0);
		aps_read_result_clear(&result);
		aps_binding_clear(&binding);
		aps_gql_document_unref(doc);
		aps_buf_clear(&out);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(each_field_is_told_with_its_record),
	        TEST(what_is_missing_is_told_by_its_path),
	        TEST(what_has_expired_asks_the_network_and_is_complete),
	        TEST(a_record_from_before_its_type_expired_has_expired),
	        TEST(what_layers_say_is_optimistic),
	        TEST(many_fields_are_told_up_to_a_bound_and_all_of_them_count),
	        TEST(without_memory_it_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
