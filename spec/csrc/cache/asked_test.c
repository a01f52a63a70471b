#include "cache_world.h"

#include "cache/asked.h"
#include "cache/edit.h"

#define QUERY "{ a { id n b { id } } l { ... on Post { id } ... on Blog { name } } s }"

static struct aps_gql_document *doc;
static struct aps_binding binding;

static void bind(const char *query)
{
	doc = parse(query);
	const struct aps_gql_operation *operation = aps_gql_document_operation(doc, 0);
	binding = (struct aps_binding){.policies = &world.policies, .names = &world.cache.names};
	if (operation == NULL) operation = aps_gql_document_fragment_at(doc, 0);
	assert_int_equal(aps_binding_init(&binding, doc, operation, APS_STR("{}"), NULL), APS_OK);
}

static void unbind(void)
{
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
}

/* The objects that are asked for, one a line, or the error. */
static const char *scan(const char *query, const char *data)
{
	struct aps_err err;
	struct aps_asked *asked = aps_asked_new();
	bind(query);
	aps_buf_reset(&world.result);
	if (aps_asked_scan(asked, &binding, aps_str_of(data), &err) != APS_OK)
		aps_buf_addf(&world.result, "error: %s\n", err.msg);
	for (size_t i = 0; i < aps_asked_count(asked); i++) {
		aps_buf_add_str(&world.result, aps_asked_text(asked, i, aps_str_of(data)));
		aps_buf_add_byte(&world.result, '\n');
	}
	aps_buf_add_byte(&world.result, '\0');
	aps_asked_unref(asked);
	unbind();
	return world.result.p;
}

static void set_no_identity(const char *type)
{
	aps_policies_type(&world.policies, aps_str_of(type))->has_no_identity = true;
}

static void set_key(const char *type, struct aps_str field)
{
	struct aps_type_policy *policy = aps_policies_type(&world.policies, aps_str_of(type));
	policy->key_fields = aps_policies_dup(&world.policies, &field, 1);
	policy->n_key_fields = 1;
}

static void only_objects_of_types_without_keys_are_asked_for(void **state)
{
	(void)state;
	static const char *const ROWS[][3] = {
	        {"{ a { n } }", "{\"a\":{\"n\":1,\"__typename\":\"Post\"}}", "{\"n\":1,\"__typename\":\"Post\"}\n"},
	        {"{ a { n } }", "{\"a\":{\"n\":1}}", ""},
	        {"{ a { n } }", "{\"a\":null}", ""},
	        {"{ a { n } }", "{\"a\":{\"__typename\":5}}", ""},
	        {"{ a { n } }", "{\"a\":{\"__typename\":\"Keyed\"}}", ""},
	        {"{ a { n } }", "{\"a\":{\"__typename\":\"Embedded\"}}", ""},
	        {"{ a { n } }", "{\"a\":{\"__typename\":\"Query\"}}", ""},
	        {"{ a { n } }", "{\"a\":{\"__typename\":\"Aged\"}}", "{\"__typename\":\"Aged\"}\n"},
	        {"{ a { b { n } } }", "{\"a\":{\"__typename\":\"A\",\"b\":[{\"__typename\":\"B\"},null,{}]}}",
	         "{\"__typename\":\"A\",\"b\":[{\"__typename\":\"B\"},null,{}]}\n{\"__typename\":\"B\"}\n"},
	        {"{ a { b { n } } }", "{\"a\":[[{\"b\":{\"__typename\":\"B\"}}]]}", "{\"__typename\":\"B\"}\n"},
	        /* a scalar's content is nobody's object, and what isn't selected isn't either */
	        {"{ a }", "{\"a\":{\"__typename\":\"A\"}}", ""},
	        {"{ a { n } }", "{\"b\":{\"__typename\":\"A\"},\"a\":[]}", ""},
	        {"{ x: a { n } }", "{\"x\":{\"__typename\":\"A\"}}", "{\"__typename\":\"A\"}\n"},
	        {"{ a { n } }", "{\"\\u0061\":{\"__typename\":\"\\u0041\"}}", "{\"__typename\":\"\\u0041\"}\n"},
	        {"{ a { ... on A { b { n } } ... on C { c { n } } } }",
	         "{\"a\":{\"c\":{\"__typename\":\"X\"},\"b\":{\"__typename\":\"Y\"},\"__typename\":\"C\"}}",
	         "{\"c\":{\"__typename\":\"X\"},\"b\":{\"__typename\":\"Y\"},\"__typename\":\"C\"}\n{\"__typename\":"
	         "\"X\"}\n"},
	        {"fragment F on A { n b { n } }", "{\"__typename\":\"A\",\"b\":{\"__typename\":\"B\"}}",
	         "{\"__typename\":\"B\"}\n"},
	        {"{ a { n } }", "[]", ""},
	        {"{ a { n } }", "{\"a\":[{\"__typename\":\"A\"}", "error: "},
	        {"{ a { n } }", "{\"a\":{\"__typename\":\"A\",", "error: "},
	};
	world.policies.asks_all = true;
	set_key("Keyed", APS_STR("n"));
	set_no_identity("Embedded");
	aps_policies_type(&world.policies, APS_STR("Aged"))->ttl_ms = 5;
	aps_policies_add_possible(&world.policies, APS_STR("U"), APS_STR("A"));
	aps_policies_add_possible(&world.policies, APS_STR("U"), APS_STR("C"));
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const char *found = scan(ROWS[i][0], ROWS[i][1]);
		bool is_error = strcmp(ROWS[i][2], "error: ") == 0;
		if (is_error ? strncmp(found, "error: ", 7) != 0 : strcmp(found, ROWS[i][2]) != 0)
			fail_msg("row %zu: %s", i, found);
	}
	assert_non_null(strstr(scan("{ a { n(x: 1e999) } }", "{\"a\":{\"n\":1}}"), "larger than a Float can be"));
	world.policies.asks_all = false;
	assert_string_equal(scan("{ a { n } }", "{\"a\":{\"n\":1,\"__typename\":\"Post\"}}"), "");
}

#define DATA                                                                                                           \
	"{\"a\":{\"id\":\"1\",\"n\":1,\"b\":{\"id\":\"2\",\"__typename\":\"B\"},\"__typename\":\"A\"},"                \
	"\"l\":[{\"id\":\"3\",\"__typename\":\"Post\"},{\"__typename\":\"Blog\",\"name\":\"x\"},"                      \
	"{\"id\":\"4\",\"__typename\":\"Post\"}],\"s\":0}"

/* Of DATA: a, a.b and the three of l. */
static struct aps_asked *ask_all(void)
{
	struct aps_asked *asked = aps_asked_new();
	assert_non_null(asked);
	world.policies.asks_all = true;
	bind(QUERY);
	assert_int_equal(aps_asked_scan(asked, &binding, APS_STR(DATA), NULL), APS_OK);
	unbind();
	assert_int_equal(aps_asked_count(asked), 5);
	return asked;
}

static void records_are_called_as_it_was_told(void **state)
{
	(void)state;
	struct aps_asked *asked = ask_all();
	assert_true(aps_asked_tell(asked, 0, APS_STR("first")));
	assert_true(aps_asked_tell(asked, 1, APS_STR("")));
	assert_true(aps_asked_tell(asked, 3, APS_STR("Blog x")));
	assert_true(aps_asked_tell(asked, 4, APS_STR("never")));
	assert_true(aps_asked_tell(asked, 4, APS_STR("last")));
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY"), .asked = asked};
	assert_string_equal(
	        write_with(QUERY, "{}", DATA, &options),
	        "first.__typename first.id first.n first.b Post:3.__typename Post:3.id "
	        "Blog x.__typename Blog x.name last.__typename last.id ROOT_QUERY.a ROOT_QUERY.l ROOT_QUERY.s");
	assert_reads(QUERY, "{}", DATA);
	assert_string_equal(write_with(QUERY, "{}", DATA, &options), "");
	aps_asked_unref(asked);
}

static void what_nothing_was_told_of_is_identified_by_its_fields(void **state)
{
	(void)state;
	struct aps_asked *asked = ask_all();
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY"), .asked = asked};
	write_with(QUERY, "{}", DATA, &options);
	assert_string_equal(write_data(QUERY, "{}", DATA), "");
	aps_asked_unref(asked);
}

static void an_edit_keeps_what_was_told(void **state)
{
	(void)state;
	struct aps_asked *asked = ask_all();
	struct aps_edits *edits = aps_edits_new();
	struct aps_gql_document *document = parse(QUERY);
	struct aps_edit_what what = {
	        .kind = APS_EDIT_WRITE,
	        .key = APS_STR("ROOT_QUERY"),
	        .document = document,
	        .definition = aps_gql_document_operation(document, 0),
	        .json = APS_STR(DATA),
	};
	assert_true(aps_edits_add(edits, &what));
	size_t n_bytes = aps_edits_bytes(edits);
	assert_true(aps_asked_tell(asked, 0, APS_STR("told")));
	what.asked = asked;
	assert_true(aps_edits_add(edits, &what));
	assert_true(aps_edits_bytes(edits) - n_bytes > aps_asked_bytes(asked));
	aps_edits_drop_last(edits);
	assert_int_equal(aps_edits_bytes(edits), n_bytes);
	aps_edits_drop_last(edits);
	assert_true(aps_edits_add(edits, &what));
	aps_asked_unref(asked);
	aps_gql_document_unref(document);
	aps_write_begin(&world.write, &world.cache);
	assert_true(aps_merge_init(&world.merge, &world.write));
	assert_int_equal(aps_edits_apply(edits, 0, &world.merge, &world.policies, NULL), APS_OK);
	assert_true(aps_write_settle(&world.write));
	struct aps_entry *entry;
	assert_int_equal(aps_entries_find(&world.cache.entries, APS_STR("Rtold"), &entry, NULL), APS_OK);
	assert_non_null(entry);
	aps_write_commit(&world.write);
	aps_edits_unref(edits);
}

static void without_memory_nothing_is_half_told(void **state)
{
	(void)state;
	world.policies.asks_all = true;
	bind(QUERY);
	bool is_done = false;
	for (size_t nth = 1; !is_done; nth++) {
		struct aps_err err;
		aps_mem_fail_at(nth);
		struct aps_asked *asked = aps_asked_new();
		enum aps_rc rc = asked != NULL ? aps_asked_scan(asked, &binding, APS_STR(DATA), &err) : APS_E_NOMEM;
		bool is_told = rc == APS_OK && aps_asked_tell(asked, 0, APS_STR("key"));
		aps_mem_fail_at(0);
		if (rc != APS_OK) assert_int_equal(rc, APS_E_NOMEM);
		if (rc == APS_OK && !is_told) {
			size_t next = 0;
			assert_int_equal(asked->keys.n, 0);
			assert_true(aps_asked_tell(asked, 0, APS_STR("key")));
			assert_non_null(aps_asked_find(asked, 5, &next));
		}
		is_done = is_told;
		aps_asked_unref(asked);
		assert_true(nth < 100);
	}
	unbind();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(only_objects_of_types_without_keys_are_asked_for, setup, teardown),
	        cmocka_unit_test_setup_teardown(records_are_called_as_it_was_told, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_nothing_was_told_of_is_identified_by_its_fields, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_edit_keeps_what_was_told, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_nothing_is_half_told, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
