#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vault_world.h"

#include <sqlite3.h>

static struct vault_world world;

static int setup(void **state)
{
	(void)state;
	vault_world_begin(&world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vault_world_end(&world);
	return 0;
}

static void assert_kind(enum aps_place_kind kind)
{
	assert_int_equal(aps_place_kind(world.vault->place), kind);
}

static void let_it_be_full(void)
{
	const struct aps_err full = {.code = APS_E_STORAGE, .word = "full", .native = SQLITE_FULL, .msg = "full"};
	assert_true(aps_vault_cope(world.vault, &full));
	assert_kind(APS_PLACE_OVER);
	vault_world_news(&world);
	aps_vault_retry(world.vault, 0);
	assert_kind(APS_PLACE_FILE);
}

/* SQLite calls a file full whose damaged page number is too large to be one. */
static void one_that_is_full_again_so_soon_is_looked_through(void **state)
{
	(void)state;
	struct stat info;
	vault_world_open(&world);
	vault_world_write_much(&world);
	vault_world_close(&world);
	vault_world_open(&world);
	let_it_be_full();
	assert_int_equal(stat(world.path, &info), 0);
	vault_world_damage(&world, info.st_size - 4096, 4096);
	let_it_be_full();
	assert_int_equal(vault_world_files(&world, "damaged", NULL) > 0, 1);
	assert_non_null(strstr(vault_world_news(&world), "damaged (a page of the file is damaged)"));
	vault_world_write(&world, "{ a }", "{\"a\":1}");
	vault_world_commit(&world);
	assert_string_equal(vault_world_read(&world, "{ a }"), "{\"a\":1}");
	for (int i = 0; i < 3; i++) let_it_be_full(); /* the new one is whole */
	assert_int_equal(vault_world_files(&world, "Z", NULL), 1 + vault_world_files(&world, "Z-wal", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(one_that_is_full_again_so_soon_is_looked_through, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
