#include "store/log_end.h"

#include "db_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>

#define HEADER 32
#define FRAME  (24 + 4096)

static struct db_place place;
static char *whole, path[80];
static size_t n_first, n_all; /* bytes of the log after its first transaction, and after the second */

static size_t n_log(void)
{
	struct stat found;
	assert_int_equal(stat(path, &found), 0);
	return (size_t)found.st_size;
}

static void write_log(const char *bytes, size_t n)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

/* Each transaction is of several pages. */
static int setup(void **state)
{
	(void)state;
	db_place_make(&place);
	snprintf(path, sizeof path, "%s-wal", place.path);
	struct aps_db *db = db_open_as(place.path, &(struct aps_db_options){.busy_ms = 0});
	db_do(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)");
	db_do(db, "INSERT INTO t (x) VALUES (hex(randomblob(6000)))");
	n_first = n_log();
	db_do(db, "INSERT INTO t (x) VALUES (hex(randomblob(6000)))");
	n_all = n_log();
	whole = malloc(n_all);
	FILE *file = fopen(path, "rb");
	assert_int_equal(fread(whole, 1, n_all, file), n_all);
	fclose(file);
	aps_db_abandon(db);
	assert_true(n_all - n_first >= 3 * FRAME);
	assert_int_equal((n_all - HEADER) % FRAME, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(whole);
	db_place_remove(&place);
	return aps_mem_live() == 0 ? 0 : -1;
}

static bool look(void)
{
	bool is_open;
	assert_int_equal(aps_log_end_look(path, &is_open, NULL), APS_OK);
	return is_open;
}

static void a_log_that_ends_with_a_transaction_is_whole(void **state)
{
	(void)state;
	assert_false(look());
	write_log(whole, n_first); /* nobody can tell */
	assert_false(look());
	write_log(whole, HEADER);
	assert_false(look());
	write_log(whole, 0);
	assert_false(look());
	unlink(path);
	assert_false(look());
}

static void a_log_that_was_cut_in_a_transaction_is_open(void **state)
{
	(void)state;
	static const size_t CUTS[] = {1, FRAME - 24, FRAME - 16, FRAME, FRAME + 7, 2 * FRAME};
	for (size_t i = 0; i < sizeof CUTS / sizeof CUTS[0]; i++) {
		write_log(whole, n_all - CUTS[i]);
		if (!look()) fail_msg("%zu bytes less", CUTS[i]);
	}
}

static void a_log_with_a_damaged_byte_is_open(void **state)
{
	(void)state;
	static const size_t PLACES[] = {
	        0, 9, 17, 25, HEADER, HEADER + 9, HEADER + 17, HEADER + 100, HEADER + FRAME + 5};
	for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
		whole[PLACES[i]] ^= 0x40;
		write_log(whole, n_all);
		if (!look()) fail_msg("byte %zu", PLACES[i]);
		whole[PLACES[i]] ^= 0x40;
	}
	whole[n_all - 1] ^= 1;
	write_log(whole, n_all);
	assert_true(look());
}

static void what_an_earlier_log_has_left_behind_says_nothing(void **state)
{
	(void)state;
	for (size_t at = n_first; at < n_all; at += FRAME) whole[at + 8] ^= 1; /* its salt */
	write_log(whole, n_all);
	assert_false(look());
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	bool is_open;
	struct aps_err err;
	aps_mem_fail_at(1);
	assert_int_equal(aps_log_end_look(path, &is_open, &err), APS_E_NOMEM);
	aps_mem_fail_at(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_log_that_ends_with_a_transaction_is_whole),
	        TEST(a_log_that_was_cut_in_a_transaction_is_open),
	        TEST(a_log_with_a_damaged_byte_is_open),
	        TEST(what_an_earlier_log_has_left_behind_says_nothing),
	        TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
