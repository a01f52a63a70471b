#include "cache_world.h"

#include "base/rand.h"
#include "cache/long_list.h"

#define LIST "{ all { id } }"

/* Item i has the id order[i]. */
static const char *text_of(struct aps_buf *out, const unsigned *order, size_t n)
{
	aps_buf_reset(out);
	aps_buf_add_text(out, "{\"all\":[");
	for (size_t i = 0; i < n; i++)
		aps_buf_addf(out, "%s{\"id\":\"%u\",\"__typename\":\"T\"}", i != 0 ? "," : "", order[i]);
	aps_buf_add_text(out, "]}");
	return out->p;
}

/* How many bytes of lists and blocks the last write touched. */
static size_t written_bytes;

static void write_list(struct aps_buf *text, const unsigned *order, size_t n)
{
	struct aps_gql_document *doc = parse(LIST);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
	struct aps_normalized out;
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), NULL),
	                 APS_OK);
	aps_write_begin(&world.write, &world.cache);
	aps_merge_clear(&world.merge);
	assert_true(aps_merge_init(&world.merge, &world.write));
	assert_int_equal(
	        aps_normalize(&world.merge, &binding, aps_str_of(text_of(text, order, n)), &options, &out, NULL),
	        APS_OK);
	assert_true(aps_write_settle(&world.write));
	written_bytes = 0;
	for (size_t i = 0; i < aps_write_n_entries(&world.write); i++) {
		const struct aps_entry *entry = aps_write_entry_at(&world.write, i);
		if (entry->n_key_bytes == 0) written_bytes += entry->n_content_bytes;
		assert_true(entry->n_key_bytes != 0 || entry->n_content_bytes < 8192);
	}
	aps_write_commit(&world.write);
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	assert_string_equal(read_data(LIST, "{}"), text_of(text, order, n));
}

static size_t n_blocks(void)
{
	size_t n = 0;
	for (const struct aps_entry *entry = world.cache.entries.newest; entry != NULL; entry = entry->older)
		if (entry->n_key_bytes == 0 && entry->content != NULL) n++;
	return n;
}

static void an_event_on_a_long_list_writes_one_block(void **state)
{
	(void)state;
	static unsigned order[20002];
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	for (unsigned i = 0; i < 20000; i++) order[i + 1] = i;
	write_list(&text, order + 1, 20000);
	assert_true(n_blocks() > 20000 / APS_BLOCK_MAX_ITEMS);
	order[0] = 99999; /* comes first */
	write_list(&text, order, 20001);
	assert_true(written_bytes < 2048);
	order[20001] = 99998; /* comes last */
	write_list(&text, order, 20002);
	assert_true(written_bytes < 2048);
	memmove(order + 10000, order + 10001, 10001 * sizeof *order); /* goes in the middle */
	write_list(&text, order, 20001);
	assert_true(written_bytes < 2048);
	write_list(&text, order, 20001);
	assert_int_equal(written_bytes, 0);
	write_list(&text, order, 200); /* short again: no block is left */
	assert_int_equal(n_blocks(), 0);
	write_list(&text, order, 0);
	aps_buf_clear(&text);
}

static void any_list_becomes_any_other(void **state)
{
	(void)state;
	struct aps_rand rand;
	struct aps_buf text;
	static unsigned order[3000];
	size_t n = 0;
	aps_rand_init(&rand, 11);
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	for (int round = 0; round < 60; round++) {
		/* a piece goes, another one comes */
		size_t at = (size_t)aps_rand_below(&rand, n + 1), gone = (size_t)aps_rand_below(&rand, n - at + 1);
		memmove(order + at, order + at + gone, (n - at - gone) * sizeof *order);
		n -= gone;
		size_t come = (size_t)aps_rand_below(&rand, 3000 - n < 700 ? 3000 - n : 700);
		at = (size_t)aps_rand_below(&rand, n + 1);
		memmove(order + at + come, order + at, (n - at) * sizeof *order);
		for (size_t i = 0; i < come; i++) order[at + i] = (unsigned)aps_rand_below(&rand, 5000);
		n += come;
		write_list(&text, order, n);
		/* and no block is left behind */
		assert_true(n_blocks() <= n / 64 + 16);
	}
	aps_buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(an_event_on_a_long_list_writes_one_block, setup, teardown),
	        cmocka_unit_test_setup_teardown(any_list_becomes_any_other, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
