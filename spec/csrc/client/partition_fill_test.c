/* Writes of another kind than a response, and who is told of what is written: aps_partition_fill(), followers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../support/faulty_vfs.h"
#include "cache/evict.h"
#include "vault_world.h"

#define QUERY "{ a { id n } }"
#define ONE   "{\"a\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}}"
#define TWO   "{\"a\":{\"id\":\"1\",\"n\":2,\"__typename\":\"T\"}}"

static struct vault_world world;
static struct aps_operation operation;
static size_t n_live;

/* Writes `json` as the binding says, then does what the test wants of it. */
struct writer {
	struct aps_partition_fill fill;
	struct aps_partition_data data;
	enum aps_rc fails;   /* OK: it doesn't */
	const char *trouble; /* that the store has the first time; NULL: none */
	size_t n_calls;
};

/* What it was told, one letter each: w<number>, f, c. */
struct listener {
	struct aps_partition_follower follower;
	char told[128];
};

static struct listener listener;

static void note(struct listener *to, const char *text)
{
	size_t n = strlen(to->told);
	snprintf(to->told + n, sizeof to->told - n, "%s%s", n != 0 ? " " : "", text);
}

static void wrote(struct aps_partition_follower *follower, uint64_t number)
{
	char text[32];
	snprintf(text, sizeof text, "w%d", (int)number);
	note(APS_CONTAINER_OF(follower, struct listener, follower), text);
}

static void forgotten(struct aps_partition_follower *follower, bool is_cleared)
{
	note(APS_CONTAINER_OF(follower, struct listener, follower), is_cleared ? "cleared" : "forgotten");
}

static void closing(struct aps_partition_follower *follower)
{
	note(APS_CONTAINER_OF(follower, struct listener, follower), "closing");
}

static void filling(struct aps_partition_follower *follower APS_UNUSED, struct aps_cache_write *write APS_UNUSED,
                    struct aps_binding *binding APS_UNUSED)
{
}

static enum aps_rc filled(struct aps_partition_follower *follower APS_UNUSED, struct aps_err *err APS_UNUSED)
{
	return APS_OK;
}

static void unkept(struct aps_partition_follower *follower APS_UNUSED)
{
}

static void follow_with(struct listener *who)
{
	*who = (struct listener){.follower = {.next = world.partition->followers,
	                                      .filling = filling,
	                                      .filled = filled,
	                                      .wrote = wrote,
	                                      .forgotten = forgotten,
	                                      .unkept = unkept,
	                                      .closing = closing}};
	world.partition->followers = &who->follower;
}

static void follow(void)
{
	follow_with(&listener);
}

static void assert_told(const char *expected)
{
	assert_string_equal(listener.told, expected);
	listener.told[0] = '\0';
}

static enum aps_rc fill(struct aps_partition *partition, struct aps_partition_fill *what, struct aps_binding *binding,
                        struct aps_err *err)
{
	struct writer *writer = APS_CONTAINER_OF(what, struct writer, fill);
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
	struct aps_normalized out;
	writer->n_calls++;
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_normalize(&partition->merge, binding, writer->data.data, &options, &out, err);
	aps_buf_clear(&out.stale);
	if (rc == APS_OK && writer->trouble != NULL && writer->n_calls == 1)
		rc = aps_fail_word(err, APS_E_STORAGE, writer->trouble, 0, "the store has trouble");
	if (rc == APS_OK && writer->fails != APS_OK) rc = aps_fail(err, writer->fails, "it doesn't want to");
	return rc;
}

static struct writer writer_of(const char *json)
{
	struct writer writer = {.fill = {.fill = fill}};
	writer.data =
	        (struct aps_partition_data){.operation = &operation, .data = aps_str_of(json), .errors = APS_STR("")};
	return writer;
}

static enum aps_rc try_fill(struct writer *writer, struct aps_err *err)
{
	writer->fill.data = &writer->data;
	return aps_partition_fill(world.partition, &writer->fill, err);
}

static void fill_with(const char *json)
{
	struct aps_err err;
	struct writer writer = writer_of(json);
	if (try_fill(&writer, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_int_equal(writer.n_calls, 1);
}

static int setup(void **state)
{
	(void)state;
	faulty_vfs_install();
	n_live = aps_mem_live();
	vault_world_begin(&world);
	vault_world_open(&world);
	operation = vault_world_operation(QUERY);
	follow();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	faulty_vfs_set("full=off readonly=off error=off");
	aps_operation_clear(&operation);
	vault_world_end(&world);
	return aps_mem_live() == n_live ? 0 : -1;
}

static void what_is_filled_in_is_committed_and_told(void **state)
{
	(void)state;
	fill_with(ONE);
	assert_told("w1 w2");
	vault_world_commit(&world);
	assert_string_equal(vault_world_read(&world, QUERY), ONE);
	fill_with(ONE);
	assert_told("");
	fill_with(TWO);
	assert_told("w1");
	vault_world_commit(&world);
	assert_string_equal(vault_world_read(&world, QUERY), TWO);
	assert_told("");
}

/* A new moment, if it is newer than all that is known: of pages it isn't. */
static void only_what_is_new_makes_a_moment(void **state)
{
	(void)state;
	struct aps_err err;
	struct writer writer = writer_of(ONE);
	uint32_t moment = aps_partition_moment(world.partition);
	writer.data.asked_at = moment;
	assert_int_equal(try_fill(&writer, &err), APS_OK);
	assert_int_equal(aps_partition_moment(world.partition), moment);
	fill_with(TWO);
	assert_int_equal(aps_partition_moment(world.partition), moment + 1);
}

static void a_fill_that_fails_leaves_nothing_and_the_turn_goes_on(void **state)
{
	(void)state;
	static const enum aps_rc CODES[] = {APS_E_NOMEM, APS_E_USAGE, APS_E_CONFLICT};
	struct aps_err err;
	vault_world_write(&world, "{ b }", "{\"b\":1}");
	listener.told[0] = '\0';
	for (size_t i = 0; i < APS_COUNTOF(CODES); i++) {
		struct writer writer = writer_of(ONE);
		writer.fails = CODES[i];
		assert_int_equal(try_fill(&writer, &err), CODES[i]);
		assert_string_equal(err.msg, "it doesn't want to");
		assert_int_equal(writer.n_calls, 1);
		assert_told("");
	}
	vault_world_write(&world, "{ c }", "{\"c\":1}");
	vault_world_commit(&world);
	assert_string_equal(vault_world_read(&world, "{ b c }"), "{\"b\":1,\"c\":1}");
	assert_string_equal(vault_world_read(&world, QUERY), "missing");
	/* nothing is left in memory, either */
	struct aps_entry *entry;
	assert_int_equal(aps_entries_find(&world.partition->cache.entries, APS_STR("RT:1"), &entry, NULL), APS_OK);
	assert_true(entry == NULL || entry->content == NULL);
}

static void without_memory_nothing_is_filled_in(void **state)
{
	(void)state;
	enum aps_rc rc = APS_E_NOMEM;
	size_t nth = 0;
	struct aps_err err;
	while (rc != APS_OK) {
		struct writer writer = writer_of(ONE);
		aps_mem_fail_at(++nth);
		rc = try_fill(&writer, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
		vault_world_commit(&world);
		assert_string_equal(vault_world_read(&world, QUERY), "missing");
	}
	assert_true(nth > 10);
	vault_world_commit(&world);
	assert_string_equal(vault_world_read(&world, QUERY), ONE);
}

/* The disk is full: the store works from memory, and it is filled in once more there. */
static void where_the_store_has_moved_it_is_called_again(void **state)
{
	(void)state;
	struct aps_err err;
	struct writer writer = writer_of(ONE);
	vault_world_write(&world, "{ b }", "{\"b\":1}");
	listener.told[0] = '\0';
	writer.trouble = "full";
	if (try_fill(&writer, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_int_equal(writer.n_calls, 2);
	assert_told("w2 w1");
	vault_world_commit(&world);
	assert_false(aps_vault_is_available(world.vault));
	assert_string_equal(vault_world_read(&world, "{ b }"), "{\"b\":1}");
	assert_string_equal(vault_world_read(&world, QUERY), ONE);
}

/* It is damaged: nothing that was known holds, the numbers of names neither. */
static void where_the_store_begins_anew_it_is_called_again(void **state)
{
	(void)state;
	struct aps_err err;
	struct writer writer = writer_of(ONE);
	vault_world_write(&world, "{ z y x b }", "{\"z\":1,\"y\":1,\"x\":1,\"b\":1}");
	vault_world_commit(&world);
	listener.told[0] = '\0';
	writer.trouble = "corrupt";
	if (try_fill(&writer, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_int_equal(writer.n_calls, 2);
	assert_told("forgotten cleared w1 w2");
	vault_world_commit(&world);
	assert_string_equal(vault_world_read(&world, QUERY), ONE);
	assert_string_equal(vault_world_read(&world, "{ b }"), "missing");
}

static void all_is_forgotten_where_a_commit_fails(void **state)
{
	(void)state;
	struct aps_err err;
	fill_with(ONE);
	vault_world_commit(&world);
	listener.told[0] = '\0';
	fill_with(TWO);
	assert_told("w1");
	aps_vault_abandon(world.vault);
	assert_told("forgotten");
	assert_int_equal(aps_vault_commit(world.vault, &err), APS_OK);
	assert_string_equal(vault_world_read(&world, QUERY), ONE);
	fill_with(TWO);
	vault_world_commit(&world);
	assert_string_equal(vault_world_read(&world, QUERY), TWO);
}

static void a_partition_that_is_cleared_says_so(void **state)
{
	(void)state;
	struct aps_err err;
	fill_with(ONE);
	vault_world_commit(&world);
	listener.told[0] = '\0';
	assert_int_equal(aps_partition_clear(world.partition, APS_PART_CLEARED, &err), APS_OK);
	assert_told("forgotten cleared");
	vault_world_commit(&world);
	assert_told("");
	assert_string_equal(vault_world_read(&world, QUERY), "missing");
}

/* What a collector or a tidying takes away isn't a write. */
static void several_follow_and_one_may_leave(void **state)
{
	(void)state;
	struct listener second;
	follow_with(&second);
	fill_with(ONE);
	assert_told("w1 w2");
	assert_string_equal(second.told, "w1 w2");
	world.partition->followers = second.follower.next;
	fill_with(TWO);
	assert_told("w1");
	assert_string_equal(second.told, "w1 w2");
}

static void who_follows_is_told_when_it_closes(void **state)
{
	(void)state;
	struct listener second;
	follow_with(&second);
	vault_world_close(&world);
	assert_told("closing");
	assert_string_equal(second.told, "closing");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_is_filled_in_is_committed_and_told),
	        TEST(only_what_is_new_makes_a_moment),
	        TEST(a_fill_that_fails_leaves_nothing_and_the_turn_goes_on),
	        TEST(without_memory_nothing_is_filled_in),
	        TEST(where_the_store_has_moved_it_is_called_again),
	        TEST(where_the_store_begins_anew_it_is_called_again),
	        TEST(all_is_forgotten_where_a_commit_fails),
	        TEST(a_partition_that_is_cleared_says_so),
	        TEST(several_follow_and_one_may_leave),
	        TEST(who_follows_is_told_when_it_closes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
