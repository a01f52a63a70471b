/* A read that is kept has its answer as long as nothing changes: it has another number after whatever changes it. */
#include "overlay_world.h"

#include <string.h>

#define QUERY "query Q($n: Int) { a(n: $n) { id t } }"
#define ONE   "{\"a\":{\"id\":\"1\",\"t\":\"x\",\"__typename\":\"T\"}}"

static struct aps_operation query;
static struct aps_kept_read kept;
static int64_t now_s;

static int open_all(void **state)
{
	if (setup_edits(state) != 0) return -1;
	query = make(QUERY, "{\"n\":1}");
	aps_kept_read_init(&kept, query.document, query.definition);
	now_s = 0;
	open_core();
	write_one(&query, ONE);
	commit();
	return 0;
}

static int close_all(void **state)
{
	aps_kept_read_clear(&kept);
	aps_operation_clear(&query);
	if (world.vault != NULL) close_core();
	return teardown_edits(state);
}

/* Its number, after a read at this root. */
static uint64_t read_at(const char *root, const char *variables)
{
	struct aps_err err;
	const struct aps_read_options options = {.root = aps_str_of(root), .is_packed = true, .now_s = now_s};
	if (aps_reader_read_again(world.reader, &kept, aps_str_of(variables), &options, &err) != APS_OK)
		fail_msg("%s", err.msg);
	return kept.answer;
}

static uint64_t number(void)
{
	return read_at("RROOT_QUERY", "{\"n\":1}");
}

/* Reads it once more: what it has is what was asked for first. */
static const char *shown(void)
{
	static char copy[256];
	struct aps_buf text;
	uint64_t before = number();
	assert_int_equal(number(), before);
	if (kept.result.n_missing != 0) return "missing";
	const struct aps_packed packed = {aps_buf_str(&kept.result.data), kept.binding.labels, kept.binding.n_labels};
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	assert_true(packed_text(&packed, &text));
	snprintf(copy, sizeof copy, "%s", text.p);
	aps_buf_clear(&text);
	return copy;
}

static void assert_t(const char *t)
{
	char expected[128];
	snprintf(expected, sizeof expected, "{\"a\":{\"id\":\"1\",\"t\":\"%s\",\"__typename\":\"T\"}}", t);
	assert_string_equal(shown(), expected);
}

static void turn(void)
{
	struct aps_err err;
	run_all_edits();
	if (end_turn(&err) != APS_OK) fail_msg("%s", err.msg);
}

static void an_answer_has_its_number_while_nothing_changes(void **state)
{
	(void)state;
	uint64_t first = number();
	assert_int_not_equal(first, 0);
	for (int i = 0; i < 3; i++) assert_int_equal(number(), first);
	assert_t("x");
	assert_int_equal(number(), first);
	aps_kept_read_shrink(&kept);
	assert_int_equal(number(), first);
	aps_kept_read_rest(&kept);
	assert_int_equal(kept.answer, 0);
	assert_int_not_equal(number(), first);
	assert_t("x");
}

static void a_commit_ends_it(void **state)
{
	(void)state;
	uint64_t first = number();
	write_one(&query, "{\"a\":{\"id\":\"1\",\"t\":\"y\",\"__typename\":\"T\"}}");
	assert_int_equal(number(), first);
	commit();
	assert_t("y");
	assert_true(number() > first);
}

static void an_own_edit_ends_it_and_so_does_its_end(void **state)
{
	(void)state;
	assert_t("x");
	set("T:1", "t", "\"own\"");
	assert_t("own");
	post_edits();
	assert_t("own");
	set("T:1", "t", "\"other\"");
	assert_t("other");
	struct aps_edits *edits = aps_reader_take_back(world.reader);
	assert_t("own");
	aps_edits_unref(edits);
	turn();
	assert_t("own");
	evict("T:1", "t");
	assert_string_equal(shown(), "missing");
	aps_edits_unref(aps_reader_take_back(world.reader));
	assert_t("own");
	evict("T:1", "");
	assert_string_equal(shown(), "missing");
}

static void what_is_hoped_ends_it_and_so_does_its_end(void **state)
{
	(void)state;
	assert_t("x");
	aps_reader_hope(world.reader, true);
	set("T:1", "t", "\"hoped\"");
	assert_t("hoped");
	aps_reader_look_below(world.reader, true);
	assert_t("x");
	aps_reader_look_below(world.reader, false);
	assert_t("hoped");
	aps_edits_unref(aps_reader_take_back(world.reader));
	aps_reader_hope(world.reader, false);
	assert_t("x");
}

/* A layer that the core has. */
static void what_lies_in_a_layer_of_the_store_ends_it(void **state)
{
	(void)state;
	struct aps_err err;
	uint64_t id;
	struct aps_edits *edits = aps_edits_new();
	const struct aps_edit_what what = set_of("T:1", "t", "\"hoped\"");
	assert_t("x");
	assert_true(edits != NULL && aps_edits_add(edits, &what));
	if (aps_partition_add_layer(world.partition, 7, APS_LAYER_PASSING, edits, &id, &err) != APS_OK)
		fail_msg("%s", err.msg);
	aps_edits_unref(edits);
	commit();
	assert_t("hoped");
	aps_reader_look_below(world.reader, true);
	assert_t("x");
	aps_reader_look_below(world.reader, false);
	assert_t("hoped");
	assert_int_equal(aps_partition_drop_layer(world.partition, id, false, &err), APS_OK);
	commit();
	assert_t("x");
}

static void a_clear_ends_it(void **state)
{
	(void)state;
	assert_t("x");
	aps_reader_clear(world.reader);
	assert_string_equal(shown(), "missing");
	aps_reader_take_back_clear(world.reader);
	assert_t("x");
}

static void other_variables_and_another_root_have_answers_of_their_own(void **state)
{
	(void)state;
	struct aps_operation other = make(QUERY, "{\"n\":2}");
	write_one(&other, "{\"a\":{\"id\":\"2\",\"t\":\"z\",\"__typename\":\"T\"}}");
	commit();
	uint64_t first = number();
	assert_int_not_equal(read_at("RROOT_QUERY", "{\"n\":2}"), first);
	assert_non_null(memmem(kept.result.data.p, kept.result.data.n, "z", 1));
	assert_t("x");
	assert_int_equal(read_at("RT:1", "{\"n\":1}"), 0);
	assert_int_not_equal(kept.result.n_missing, 0);
	assert_t("x");
	aps_operation_clear(&other);
}

static void what_lacks_something_is_not_kept(void **state)
{
	(void)state;
	assert_int_not_equal(number(), 0);
	assert_int_equal(read_at("RROOT_QUERY", "{\"n\":3}"), 0);
	assert_int_equal(read_at("RROOT_QUERY", "{\"n\":3}"), 0);
}

/* Its text, its names and its variables are what is kept of it. */
static void a_long_answer_is_not_kept(void **state)
{
	(void)state;
	size_t n = (size_t)10 * 1024 * 1024;
	char *data = malloc(n + 128);
	assert_non_null(data);
	size_t at = (size_t)sprintf(data, "{\"a\":{\"id\":\"1\",\"t\":\"");
	memset(data + at, 'y', n);
	strcpy(data + at + n, "\",\"__typename\":\"T\"}}");
	write_one(&query, data);
	commit();
	free(data);
	uint64_t first = number();
	assert_true(kept.result.data.n > n);
	aps_kept_read_shrink(&kept);
	assert_int_equal(kept.answer, 0);
	assert_int_equal(kept.result.data.capacity, 0);
	assert_true(number() > first);
	aps_kept_read_shrink(&kept);
}

static void time_ends_it_where_records_expire(void **state)
{
	(void)state;
	now_s = 100000;
	uint64_t first = number();
	now_s += 7200;
	assert_int_equal(number(), first); /* nothing does */
	aps_reader_free(world.reader);
	aps_policies_type(&world.policies, APS_STR("T"))->ttl_ms = 3600000;
	struct aps_err err;
	world.reader = aps_reader_new(world.path, "p", "", &world.policies, world.channel, &err);
	assert_non_null(world.reader);
	aps_kept_read_rest(&kept);
	const struct aps_partition_data what = {
	        .operation = &query, .data = APS_STR(ONE), .errors = APS_STR(""), .now_s = now_s};
	assert_int_equal(aps_partition_write(world.partition, &what, &err), APS_OK);
	commit();
	first = number();
	assert_int_equal(number(), first);
	assert_int_equal(kept.result.n_expired, 0);
	now_s += 7200;
	assert_true(number() > first);
	assert_int_not_equal(kept.result.n_expired, 0);
}

/* What must not be counted as used twice a minute is noted once in each. */
static void a_new_minute_notes_what_is_used(void **state)
{
	(void)state;
	uint64_t numbers[8];
	aps_reader_note_uses(world.reader);
	now_s = 6000;
	uint64_t first = number();
	while (aps_reader_take_used(world.reader, now_s, numbers, 8) != 0) continue;
	now_s += 59;
	assert_int_equal(number(), first);
	now_s += 1;
	assert_true(number() > first);
}

/* The file's pages but the first are wrong: what is there is what was written here. */
static void what_is_read_blindly_is_not_kept(void **state)
{
	(void)state;
	close_core();
	world.vault = NULL;
	aps_reader_free(world.reader);
	FILE *file = fopen(world.path, "r+b");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	for (long n = ftell(file), i = fseek(file, 4096, SEEK_SET) + 4096; i < n; i++) fputc('x', file);
	fclose(file);
	struct aps_err err;
	world.reader = aps_reader_new(world.path, "p", "", &world.policies, world.channel, &err);
	assert_non_null(world.reader);
	aps_kept_read_rest(&kept);
	write_own(&query, ONE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(number(), 0);
		assert_int_equal(kept.result.n_missing, 0);
	}
	set("T:1", "t", "\"own\"");
	assert_t("own");
	drop_posted();
}

#define UNIT(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        UNIT(an_answer_has_its_number_while_nothing_changes),
	        UNIT(a_commit_ends_it),
	        UNIT(an_own_edit_ends_it_and_so_does_its_end),
	        UNIT(what_is_hoped_ends_it_and_so_does_its_end),
	        UNIT(what_lies_in_a_layer_of_the_store_ends_it),
	        UNIT(a_clear_ends_it),
	        UNIT(other_variables_and_another_root_have_answers_of_their_own),
	        UNIT(what_lacks_something_is_not_kept),
	        UNIT(a_long_answer_is_not_kept),
	        UNIT(time_ends_it_where_records_expire),
	        UNIT(a_new_minute_notes_what_is_used),
	        UNIT(what_is_read_blindly_is_not_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
