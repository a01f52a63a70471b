#include "cache_world.h"

#include <stdlib.h>

#include "base/rand.h"
#include "cache/edit.h"
#include "cache/field_text.h"
#include "cache/long_list.h"

#define QUERY "{ a: all(x: 1) { id } b: all(x: 2) { id } plain { id } box(f: 1) { in { list { id } } n } one { id } }"
#define T(id) "{\"id\":\"" id "\",\"__typename\":\"T\"}"

static struct aps_edits *edits;

static void add(enum aps_edit_kind kind, const char *field, const char *json)
{
	const struct aps_edit_what what = {
	        .kind = kind,
	        .key = APS_STR("ROOT_QUERY"),
	        .field = aps_str_of(field),
	        .json = aps_str_of(json),
	        .is_apart = strchr(field, '(') != NULL,
	};
	assert_true(aps_edits_add(edits, &what));
}

/* How many bytes of lists and blocks the last edit wrote. */
static size_t n_written;

static enum aps_rc apply(struct aps_err *err)
{
	aps_write_begin(&world.write, &world.cache);
	aps_merge_clear(&world.merge);
	enum aps_rc rc = aps_merge_init(&world.merge, &world.write)
	                         ? aps_edits_apply(edits, 0, &world.merge, &world.policies, err)
	                         : aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc == APS_OK && !aps_write_settle(&world.write)) rc = APS_E_NOMEM;
	n_written = 0;
	for (size_t i = 0; rc == APS_OK && i < aps_write_n_entries(&world.write); i++)
		n_written += aps_write_entry_at(&world.write, i)->n_content_bytes;
	if (rc == APS_OK)
		aps_write_commit(&world.write);
	else
		aps_write_abort(&world.write);
	return rc;
}

static void change(enum aps_edit_kind kind, const char *field, const char *json)
{
	struct aps_err err;
	edits = aps_edits_new();
	assert_non_null(edits);
	add(kind, field, json);
	enum aps_rc rc = apply(&err);
	aps_edits_unref(edits);
	if (rc != APS_OK) fail_msg("%s", err.msg);
}

/* What is kept of a field, behind its name. */
static const char *show(const char *field)
{
	struct aps_err err = {0};
	aps_buf_reset(&world.result);
	assert_int_equal(aps_field_text(&world.result, &world.cache, APS_STR("ROOT_QUERY"), aps_str_of(field), &err),
	                 APS_OK);
	const char *value = strstr(world.result.p, "{\"__");
	return value != NULL ? value : world.result.p;
}

static void write_all(void)
{
	write_data(QUERY, "{}",
	           "{\"a\":[" T("1") "," T("2") "],\"b\":null,\"plain\":[" T("1") "],\"box\":{\"in\":{\"list\":[" T(
	                   "1") "],\"__typename\":\"I\"},\"n\":7,\"__typename\":\"B\"},\"one\":" T("1") "}");
}

#define MOVE(id) "{\"__edits\":[[\"-\",\"T:" id "\"],[\"+\",\"T:" id "\",\"\"]]}"

static void a_list_is_changed_where_it_stands(void **state)
{
	(void)state;
	write_all();
	change(APS_EDIT_LIST, "all({\"x\":1})", MOVE("3"));
	assert_string_equal(show("all({\"x\":1})"),
	                    "{\"__list\":[{\"__ref\":\"T:1\"},{\"__ref\":\"T:2\"},{\"__ref\":\"T:3\"}]}]");
	change(APS_EDIT_LIST, "all({\"x\":1})", MOVE("1"));
	assert_string_equal(show("all({\"x\":1})"),
	                    "{\"__list\":[{\"__ref\":\"T:2\"},{\"__ref\":\"T:3\"},{\"__ref\":\"T:1\"}]}]");
	change(APS_EDIT_LIST, "all({\"x\":1})", "{\"__edits\":[[\"-\",\"T:3\"]]}");
	assert_string_equal(show("all({\"x\":1})"), "{\"__list\":[{\"__ref\":\"T:2\"},{\"__ref\":\"T:1\"}]}]");
	change(APS_EDIT_LIST, "plain", MOVE("2"));
	assert_string_equal(show("plain"), "{\"__list\":[{\"__ref\":\"T:1\"},{\"__ref\":\"T:2\"}]}]");
	change(APS_EDIT_LIST, "box({\"f\":1})", "{\"__fields\":{\"in\":{\"__fields\":{\"list\":" MOVE("2") "}}}}");
	assert_non_null(strstr(show("box({\"f\":1})"), "{\"__list\":[{\"__ref\":\"T:1\"},{\"__ref\":\"T:2\"}]}"));
}

static void where_no_list_stands_nothing_happens(void **state)
{
	(void)state;
	static const struct {
		const char *field, *json;
	} ROWS[] = {
	        {"all({\"x\":2})", MOVE("3")},
	        {"all({\"x\":3})", MOVE("3")},
	        {"other", MOVE("3")},
	        {"one", MOVE("3")},
	        {"box({\"f\":1})", MOVE("3")},
	        {"box({\"f\":1})", "{\"__fields\":{\"n\":" MOVE("3") "}}"},
	        {"box({\"f\":1})", "{\"__fields\":{\"none\":" MOVE("3") "}}"},
	        {"box({\"f\":1})", "{\"__fields\":{\"in\":{\"__fields\":{\"n\":" MOVE("3") "}}}}"},
	        {"plain", "{\"__fields\":{\"list\":" MOVE("3") "}}"},
	        {"plain", "{\"__edits\":[]}"},
	};
	write_all();
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char *before = strdup(read_data(QUERY, "{}"));
		change(APS_EDIT_LIST, ROWS[i].field, ROWS[i].json);
		assert_string_equal(read_data(QUERY, "{}"), before);
		free(before);
	}
}

static void write_lists(size_t n)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	for (int list = 0; list < 2; list++) {
		aps_buf_add_text(&text, list == 0 ? "{\"a\":[" : "],\"b\":[");
		for (size_t i = 0; i < n; i++)
			aps_buf_addf(&text, "%s{\"id\":\"%zu\",\"__typename\":\"T\"}", i != 0 ? "," : "", i);
	}
	aps_buf_add_text(&text, "]}");
	write_data("{ a: all(x: 1) { id } b: all(x: 2) { id } }", "{}", text.p);
	aps_buf_clear(&text);
}

static void change_both(const char *json)
{
	change(APS_EDIT_SET, "all({\"x\":2})", json);
	change(APS_EDIT_LIST, "all({\"x\":1})", json);
}

static void assert_alike(void)
{
	char *one = strdup(show("all({\"x\":1})"));
	assert_string_equal(show("all({\"x\":2})"), one);
	free(one);
}

static void an_item_of_a_long_list_writes_one_block(void **state)
{
	(void)state;
	write_lists(20000);
	change_both(MOVE("99999"));
	assert_true(n_written < 2048);
	assert_alike();
	change_both(MOVE("99999")); /* it is there */
	assert_int_equal(n_written, 0);
	assert_alike();
	change_both("{\"__edits\":[[\"-\",\"T:10000\"]]}");
	assert_true(n_written < 2048);
	assert_alike();
	change_both("{\"__edits\":[[\"-\",\"T:10000\"]]}");
	assert_int_equal(n_written, 0);
}

static void a_list_that_is_changed_unread_is_what_it_is_when_it_is_set(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 7);
	for (size_t n = 0; n < 700; n = n * 2 + 130) {
		write_lists(n);
		for (unsigned step = 0; step < 400; step++) {
			char json[128];
			unsigned id = (unsigned)aps_rand_below(&rand, 900);
			if (aps_rand_below(&rand, 2) == 0)
				snprintf(json, sizeof json, "{\"__edits\":[[\"-\",\"T:%u\"]]}", id);
			else
				snprintf(json, sizeof json, "{\"__edits\":[[\"-\",\"T:%u\"],[\"+\",\"T:%u\",\"\"]]}",
				         id, id);
			change_both(json);
			if (step % 20 == 0) assert_alike();
		}
		assert_alike();
	}
}

static void what_is_no_edit_of_a_list_is_refused(void **state)
{
	(void)state;
	struct aps_err err;
	write_all();
	edits = aps_edits_new();
	add(APS_EDIT_LIST, "plain", "{\"__edits\":[[\"?\",\"T:1\"]]}");
	assert_int_equal(apply(&err), APS_E_USAGE);
	aps_edits_unref(edits);
}

static void without_memory_a_list_stays_as_it_is(void **state)
{
	(void)state;
	size_t n_failed = 0;
	write_lists(600);
	for (size_t nth = 1;; nth++) {
		struct aps_err err = {0};
		char *before = strdup(show("all({\"x\":1})"));
		edits = aps_edits_new();
		add(APS_EDIT_LIST, "all({\"x\":1})", MOVE("9000"));
		add(APS_EDIT_LIST, "all({\"x\":1})", "{\"__edits\":[[\"-\",\"T:5\"]]}");
		aps_mem_fail_at(nth);
		enum aps_rc rc = apply(&err);
		aps_mem_fail_at(0);
		aps_edits_unref(edits);
		bool is_over = rc == APS_OK;
		if (!is_over) {
			assert_int_equal(rc, APS_E_NOMEM);
			assert_string_equal(show("all({\"x\":1})"), before);
			n_failed++;
		}
		free(before);
		if (is_over) break;
	}
	assert_true(n_failed > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_list_is_changed_where_it_stands, setup, teardown),
	        cmocka_unit_test_setup_teardown(where_no_list_stands_nothing_happens, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_item_of_a_long_list_writes_one_block, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_list_that_is_changed_unread_is_what_it_is_when_it_is_set, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(what_is_no_edit_of_a_list_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_a_list_stays_as_it_is, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
