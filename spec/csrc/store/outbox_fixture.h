/* A store in memory with mutations in its outbox. */
#ifndef APS_SPEC_OUTBOX_FIXTURE_H
#define APS_SPEC_OUTBOX_FIXTURE_H

#include "db_fixture.h"
#include "store/dead_letters.h"
#include "store/id_map.h"
#include "store/migrations.h"
#include "store/outbox_counts.h"
#include "store/outbox_number.h"
#include "store/outbox_rows.h"
#include "store/outcomes.h"
#include "store/owners.h"

static struct aps_db *db;
static struct aps_err err;

static inline APS_UNUSED int outbox_setup(void **state)
{
	(void)state;
	const struct aps_db_options options = {.has_own_tables = true};
	if (aps_db_open(":memory:", &options, &db, &err) != APS_OK) return -1;
	return aps_migrations_run(db, &err) == APS_OK ? 0 : -1;
}

static inline APS_UNUSED int outbox_teardown(void **state)
{
	(void)state;
	aps_db_close(db);
	return aps_mem_live() == 0 ? 0 : -1;
}

static inline APS_UNUSED void ok(enum aps_rc rc)
{
	if (rc != APS_OK) fail_msg("%s", err.msg);
}

static inline APS_UNUSED void is_corrupt(enum aps_rc rc)
{
	assert_int_equal(rc, APS_E_STORAGE);
	assert_string_equal(err.word, "corrupt");
}

static inline APS_UNUSED int64_t owner_make(const char *identity)
{
	int64_t id;
	ok(aps_owners_make(db, APS_STR("p"), aps_str_of(identity), &id, &err));
	return id;
}

static inline APS_UNUSED struct aps_outbox_entry entry_of(int64_t id)
{
	return (struct aps_outbox_entry){.id = id,
	                                 .created_ms = 1000,
	                                 .flags = 5,
	                                 .document = APS_STR("mutation M { a }"),
	                                 .name = APS_STR("M"),
	                                 .variables = APS_STR("{\"x\":1}"),
	                                 .optimistic = APS_STR(""),
	                                 .extra = APS_STR("{}")};
}

/* The next number, in the lane of API keys. */
static inline APS_UNUSED int64_t enqueue(int64_t owner)
{
	int64_t number;
	ok(aps_outbox_next_number(db, &number, &err));
	struct aps_outbox_entry entry = entry_of(aps_entry_id(owner, APS_ENTRY_API_KEY, number));
	ok(aps_outbox_insert(db, &entry, &err));
	return entry.id;
}

static inline APS_UNUSED void assert_text(struct aps_str text, const char *expected)
{
	if (!aps_str_is(text, expected)) fail_msg("\"%.*s\" is not \"%s\"", (int)text.n, text.p, expected);
}

#define OUTBOX_TEST(name) cmocka_unit_test_setup_teardown(name, outbox_setup, outbox_teardown)

#endif
