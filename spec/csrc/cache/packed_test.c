#include "cache_world.h"

#include <math.h>

#include "cache/result_writer.h"

static struct aps_buf bytes;

static int open_buffer(void **state)
{
	aps_buf_init(&bytes, APS_BUF_ANY_SIZE);
	return setup(state);
}

static int close_buffer(void **state)
{
	aps_buf_clear(&bytes);
	return teardown(state);
}

static struct aps_result_writer begin(void)
{
	struct aps_result_writer out = {.form = &aps_result_packed};
	aps_buf_reset(&bytes);
	aps_json_writer_init(&out.w, &bytes);
	return out;
}

/* What becomes of one cell, as text; "refused". */
static const char *scalar(const struct aps_cell *value)
{
	static char text[256];
	struct aps_result_writer out = begin();
	struct aps_buf json;
	out.form->scalar(&out, value);
	if (out.w.err.code != APS_OK) return "refused";
	const struct aps_packed packed = {aps_buf_str(&bytes), NULL, 0};
	aps_buf_init(&json, sizeof text - 1);
	assert_true(packed_text(&packed, &json));
	memcpy(text, json.p, json.n + 1);
	aps_buf_clear(&json);
	return text;
}

static const char *text_cell(enum aps_cell_tag tag, const char *text)
{
	return scalar(&(struct aps_cell){.tag = tag, .text = aps_str_of(text)});
}

static const char *number(double value)
{
	return scalar(&(struct aps_cell){.tag = APS_CELL_DOUBLE, .as.number = value});
}

static void each_kind_of_scalar_is_what_its_text_says(void **state)
{
	(void)state;
	assert_string_equal(scalar(&(struct aps_cell){.tag = APS_CELL_NULL}), "null");
	assert_string_equal(scalar(&(struct aps_cell){.tag = APS_CELL_TRUE}), "true");
	assert_string_equal(scalar(&(struct aps_cell){.tag = APS_CELL_FALSE}), "false");
	assert_string_equal(scalar(&(struct aps_cell){.tag = APS_CELL_INT, .as.integer = INT64_MIN}),
	                    "-9223372036854775808");
	assert_string_equal(text_cell(APS_CELL_STRING, "a\"\n\xc3\xa4"), "\"a\\\"\\n\xc3\xa4\"");
	assert_string_equal(text_cell(APS_CELL_STRING, ""), "\"\"");
	assert_string_equal(text_cell(APS_CELL_NUMBER, "1.10"), "1.10");
	assert_string_equal(text_cell(APS_CELL_JSON, "{\"a\":[1, 2]}"), "{\"a\":[1, 2]}");
	assert_string_equal(number(0.1), "0.1");
}

/* What came with a fraction or an exponent doesn't become an integer. */
static void integral_doubles_stay_doubles(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} ROWS[] = {{3, "3.0"},
	            {0, "0.0"},
	            {-0.0, "-0.0"},
	            {-0x1p53, "-9.007199254740992e15"},
	            {0x1p63, "9.223372036854776e18"},
	            {1e300, "1e300"},
	            {1e-7, "1e-7"}};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		assert_string_equal(number(ROWS[i].value), ROWS[i].text);
		assert_int_equal(bytes.p[0], APS_CELL_DOUBLE);
	}
}

/* Each text is kept, and given, as what says the same of it: its value, and that it is an integer or not. */
static void numbers_keep_their_form_as_they_are_kept(void **state)
{
	(void)state;
	static const char *const SAME[] = {"1",
	                                   "1.0",
	                                   "0",
	                                   "-0.0",
	                                   "0.5",
	                                   "1e15",
	                                   "9007199254740993",
	                                   "1.152921504606847e18",
	                                   "1e300",
	                                   "100000000000000000000",
	                                   "1.00000000000000000001",
	                                   "1e400"};
	static const char *const OTHER[][2] = {{"1e2", "100.0"}, {"-0", "-0.0"}, {"1.50", "1.5"}, {"1E16", "1e16"}};
	char data[64];
	for (size_t i = 0; i < APS_COUNTOF(SAME); i++) {
		snprintf(data, sizeof data, "{\"a\":%s}", SAME[i]);
		write_data("{ a }", "{}", data);
		assert_string_equal(read_data("{ a }", "{}"), data); /* packed, too */
	}
	for (size_t i = 0; i < APS_COUNTOF(OTHER); i++) {
		snprintf(data, sizeof data, "{\"a\":%s}", OTHER[i][0]);
		write_data("{ a }", "{}", data);
		snprintf(data, sizeof data, "{\"a\":%s}", OTHER[i][1]);
		assert_string_equal(read_data("{ a }", "{}"), data);
	}
}

static void what_a_damaged_row_may_have_is_refused(void **state)
{
	(void)state;
	assert_string_equal(text_cell(APS_CELL_STRING, "a\xff"), "refused");
	assert_string_equal(text_cell(APS_CELL_STRING, "\xed\xa0\x80"), "refused");
	assert_string_equal(number(NAN), "refused");
	assert_string_equal(number(-INFINITY), "refused");
	assert_string_equal(text_cell(APS_CELL_NUMBER, ""), "refused");
	assert_string_equal(text_cell(APS_CELL_NUMBER, "1x"), "refused");
	assert_string_equal(text_cell(APS_CELL_NUMBER, "[1]"), "refused");
	assert_string_equal(text_cell(APS_CELL_NUMBER, "1 2"), "refused");
	assert_string_equal(text_cell(APS_CELL_JSON, "1"), "refused");
	assert_string_equal(text_cell(APS_CELL_JSON, "{\"a\":}"), "refused");
	assert_string_equal(text_cell(APS_CELL_JSON, "{},\"b\":{}"), "refused");
}

static void a_read_of_a_damaged_entry_fails_in_both_forms(void **state)
{
	(void)state;
	static const char *const CONTENTS[] = {"\x01\x06\x02\xff\xff", "\x01\x06\x7f", "\x01\x0f", "\x01\x0b\x7f",
	                                       "\x01\x0c"};
	assert_string_equal(write_data("{ a }", "{}", "{\"a\":1}"), "ROOT_QUERY.a");
	struct aps_entry *root;
	assert_int_equal(aps_entries_find(&world.cache.entries, APS_STR("RROOT_QUERY"), &root, NULL), APS_OK);
	uint32_t name = aps_names_find(&world.cache.names, APS_STR("a"));
	for (size_t i = 0; i < APS_COUNTOF(CONTENTS); i++) {
		size_t n = strlen(CONTENTS[i]);
		char *content = aps_strndup(CONTENTS[i], n);
		content[0] = (char)name;
		aps_entries_set(&world.cache.entries, root, content, n);
		const char *text = read_data("{ a }", "{}"); /* compares both */
		assert_true(strstr(text, "damaged") != NULL || strcmp(text, "missing a") == 0);
	}
}

static void tables_say_how_much_is_in_them(void **state)
{
	(void)state;
	static const char DATA[] =
	        "{\"all\":[{\"id\":\"1\",\"t\":null},{\"id\":\"2\",\"t\":[[1],[]]}],\"none\":[],\"e\":{}}";
	static const char QUERY[] = "{ all { id t } none { id } e { x } }";
	write_data("{ all { id t } none { id } e }", "{}", DATA);
	read_data("{ all { id t } none { id } e }", "{}");
	write_data(QUERY, "{}", "{\"all\":[{\"id\":\"1\"}],\"none\":[],\"e\":{}}");
	read_with(QUERY, "{}", true);
	struct aps_str rest = {"\x0b\x02\0\0\0", 5}, none = {"\x0b\x02\0\0", 4};
	uint32_t n = 0;
	assert_false(aps_packed_take_head(&none, APS_CELL_OBJECT, &n));
	assert_false(aps_packed_take_head(&rest, APS_CELL_LIST, &n));
	assert_true(aps_packed_take_head(&rest, APS_CELL_OBJECT, &n));
	assert_int_equal(rest.n, 0);
	assert_false(aps_packed_take_label(&none, &n) && aps_packed_take_label(&none, &n));
}

/* One of its keys stands for each response key, however many views have it. */
static void a_response_key_has_one_label(void **state)
{
	(void)state;
	struct aps_gql_document *doc = parse("{ a { id t u: t } b { id ... on X { t } c { id u } } }");
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
	write_data("{ a { id t u: t } b { id t c { id u } } }", "{}",
	           "{\"a\":{\"__typename\":\"A\",\"id\":1,\"t\":2,\"u\":2},"
	           "\"b\":{\"__typename\":\"X\",\"id\":3,\"t\":4,\"c\":{\"__typename\":\"C\",\"id\":5,\"u\":6}}}");
	struct aps_err err;
	struct aps_read_result result;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_packed = true};
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err),
	                 APS_OK);
	assert_int_equal(aps_denormalize(&world.source, &binding, &options, &result, &err), APS_OK);
	assert_int_equal(result.n_missing, 0);
	assert_true(binding.n_labels <= 8);
	for (size_t i = 0; i < binding.n_labels; i++)
		for (size_t j = 0; j < i; j++) assert_false(aps_str_eq(binding.labels[i], binding.labels[j]));
	aps_read_result_clear(&result);
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
}

/* A binding that goes on with other variables reads what one reads that was made for them. */
static void a_binding_can_go_on_with_other_variables(void **state)
{
	(void)state;
	static const char QUERY[] =
	        "query Q($n: Int, $o: O, $with: Boolean) { a(n: $n, o: $o) { id t(n: $n) l(n: 7) } }";
	static const char *const VARIABLES[] = {"{\"n\":1}",
	                                        "{\"n\":2,\"o\":{\"b\":1,\"a\":[2,\"x\"]}}",
	                                        "{\"n\":2,\"o\":{\"a\":[2,\"x\"],\"b\":1}}",
	                                        "{}",
	                                        "{\"n\":1}",
	                                        "{\"n\":null}",
	                                        "{\"n\":3}"};
	struct aps_gql_document *doc = parse(QUERY);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
	struct aps_err err;
	for (size_t i = 0; i < 6; i++) {
		char data[128];
		snprintf(data, sizeof data, "{\"a\":{\"__typename\":\"T\",\"id\":\"%zu\",\"t\":%zu,\"l\":[%zu]}}",
		         i % 3, i, i);
		write_data(QUERY, VARIABLES[i], data);
	}
	assert_int_equal(aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err),
	                 APS_OK);
	for (size_t i = 0; i < 10 * APS_COUNTOF(VARIABLES); i++) {
		struct aps_str variables = aps_str_of(VARIABLES[i % APS_COUNTOF(VARIABLES)]);
		if (!aps_binding_change(&binding, aps_gql_document_operation(doc, 0), variables)) {
			aps_binding_clear(&binding);
			assert_int_equal(
			        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), variables, &err),
			        APS_OK);
		}
		struct aps_read_result result;
		const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
		aps_read_result_init(&result, APS_BUF_ANY_SIZE);
		assert_int_equal(aps_denormalize(&world.source, &binding, &options, &result, &err), APS_OK);
		const char *once = read_data(QUERY, variables.p);
		if (result.n_missing == 0)
			assert_string_equal(result.data.p, once);
		else
			assert_memory_equal(once, "missing", 7);
		aps_read_result_clear(&result);
	}
	assert_true(binding.arena.held_bytes + binding.varying_arena.held_bytes < 20000); /* nothing adds up */
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
}

static void a_binding_whose_selection_depends_on_variables_is_made_anew(void **state)
{
	(void)state;
	struct aps_gql_document *doc = parse("query Q($b: Boolean!) { a @include(if: $b) c }");
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
	const struct aps_gql_operation *operation = aps_gql_document_operation(doc, 0);
	assert_int_equal(aps_binding_init(&binding, doc, operation, APS_STR("{\"b\":true}"), NULL), APS_OK);
	assert_non_null(aps_selection_view(&binding, binding.root, APS_STR("Query")));
	assert_false(aps_binding_change(&binding, operation, APS_STR("{\"b\":false}")));
	aps_binding_clear(&binding);
	assert_int_equal(aps_binding_init(&binding, doc, operation, APS_STR("{\"b\":true}"), NULL), APS_OK);
	assert_false(aps_binding_change(&binding, operation, APS_STR("{\"b\":")));
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(each_kind_of_scalar_is_what_its_text_says, open_buffer, close_buffer),
	        cmocka_unit_test_setup_teardown(integral_doubles_stay_doubles, open_buffer, close_buffer),
	        cmocka_unit_test_setup_teardown(numbers_keep_their_form_as_they_are_kept, open_buffer, close_buffer),
	        cmocka_unit_test_setup_teardown(what_a_damaged_row_may_have_is_refused, open_buffer, close_buffer),
	        cmocka_unit_test_setup_teardown(a_read_of_a_damaged_entry_fails_in_both_forms, open_buffer,
	                                        close_buffer),
	        cmocka_unit_test_setup_teardown(tables_say_how_much_is_in_them, open_buffer, close_buffer),
	        cmocka_unit_test_setup_teardown(a_response_key_has_one_label, open_buffer, close_buffer),
	        cmocka_unit_test_setup_teardown(a_binding_can_go_on_with_other_variables, open_buffer, close_buffer),
	        cmocka_unit_test_setup_teardown(a_binding_whose_selection_depends_on_variables_is_made_anew,
	                                        open_buffer, close_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
