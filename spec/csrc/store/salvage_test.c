#include "store/salvage.h"

#include "base/rand.h"
#include "outbox_fixture.h"
#include "store/outbox_facts.h"

#include <sys/stat.h>

#define N_ENTRIES  300
#define N_LETTERS  40
#define N_OUTCOMES 60 /* every third one is told */
#define N_PAIRS    80
#define N_OWNERS   3
#define PAGE       4096

static const char *const IDENTITIES[N_OWNERS] = {"ann", "bob", ""};

static struct db_place place;
static char *whole; /* the file as it was written */
static size_t n_whole;
static int64_t ids[N_ENTRIES], letters[N_LETTERS]; /* of the damaged store */
static struct aps_salvage salvage;

static void write_file(const char *bytes, size_t n)
{
	FILE *file = fopen(place.path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void read_file(void)
{
	struct stat found;
	assert_int_equal(stat(place.path, &found), 0);
	n_whole = (size_t)found.st_size;
	whole = malloc(n_whole);
	FILE *file = fopen(place.path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(whole, 1, n_whole, file), n_whole);
	fclose(file);
}

/* What a mutation says, by its number alone: some need more than a page. */
static struct aps_str variables_of(int64_t number, char text[8192])
{
	size_t n = number % 37 == 0 ? 6000 : 20 + (size_t)(number * 7 % 200);
	int head = snprintf(text, 32, "{\"n\":%lld,\"x\":\"", (long long)number);
	memset(text + head, 'a' + (int)(number % 26), n);
	memcpy(text + (size_t)head + n, "\"}", 2);
	return (struct aps_str){text, (size_t)head + n + 2};
}

static enum aps_entry_mode mode_of(int64_t number)
{
	return number % 2 == 0 ? APS_ENTRY_API_KEY : APS_ENTRY_AWS_IAM;
}

static struct aps_outbox_entry made_entry(int64_t owner, int64_t number, char text[8192])
{
	struct aps_outbox_entry entry = entry_of(aps_entry_id(owner, mode_of(number), number));
	entry.variables = variables_of(number, text);
	return entry;
}

static void fill_queue(const int64_t owners[N_OWNERS])
{
	char text[8192];
	int64_t number;
	bool has_head[N_OWNERS][APS_ENTRY_MODE_COUNT] = {{false}};
	for (size_t i = 0; i < N_ENTRIES + N_LETTERS; i++) {
		size_t who = i / 2 % N_OWNERS;
		ok(aps_outbox_next_number(db, &number, &err));
		struct aps_outbox_entry entry = made_entry(owners[who], number, text);
		if (i < N_LETTERS) {
			struct aps_death death = {.died_ms = number, .outcome = APS_STR("unknown"), .blocked_by = 3};
			ok(aps_dead_letters_insert(db, &entry, &death, &err));
			letters[i] = entry.id;
			continue;
		}
		ok(aps_outbox_insert(db, &entry, &err));
		ids[i - N_LETTERS] = entry.id;
		if (!has_head[who][mode_of(number)]) ok(aps_delivery_mark(db, entry.id, 1, 2, 3, &err));
		has_head[who][mode_of(number)] = true;
	}
}

static void fill_rest(const int64_t owners[N_OWNERS])
{
	char temporary[32];
	for (int i = 0; i < N_OUTCOMES; i++) {
		struct aps_kept_outcome outcome = {.owner = owners[i % N_OWNERS],
		                                   .entry = 5,
		                                   .is_told = i % 3 == 0,
		                                   .content = APS_STR("{\"data\":{}}")};
		ok(aps_outcomes_add(db, &outcome, &err));
	}
	for (int i = 0; i < N_PAIRS; i++) {
		snprintf(temporary, sizeof temporary, "temporary-%d", i);
		struct aps_id_made pair = {.owner = owners[i % N_OWNERS],
		                           .temporary = aps_str_of(temporary),
		                           .maker = i,
		                           .is_made = i % 2 == 0,
		                           .made = APS_STR("made")};
		ok(aps_id_map_add(db, &pair, &err));
	}
}

/* A store with a queue, and an empty one in memory. */
static int setup(void **state)
{
	int64_t owners[N_OWNERS];
	db_place_make(&place);
	db = db_open_as(place.path, &db_defaults);
	ok(aps_migrations_run(db, &err));
	ok(aps_db_begin(db, &err));
	(void)owner_make("spare"); /* numbers differ on both sides */
	for (size_t i = 0; i < N_OWNERS; i++) owners[i] = owner_make(IDENTITIES[i]);
	fill_queue(owners);
	fill_rest(owners);
	ok(aps_db_commit(db, &err));
	aps_db_close(db);
	read_file();
	return outbox_setup(state);
}

static int teardown(void **state)
{
	int rc = outbox_teardown(state);
	db_place_remove(&place);
	free(whole);
	return rc;
}

static void run(void)
{
	outbox_teardown(NULL);
	outbox_setup(NULL);
	ok(aps_db_begin(db, &err));
	ok(aps_salvage_run(place.path, db, &salvage, &err));
	ok(aps_db_commit(db, &err));
}

static int64_t n_in(const char *table)
{
	char sql[64];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
	return db_int(db, sql);
}

/* The owner that one of the damaged store has here, 0: none. */
static int64_t owner_here(int64_t id)
{
	int64_t here;
	ok(aps_owners_find(db, APS_STR("p"), aps_str_of(IDENTITIES[aps_entry_owner(id) - 2]), &here, &err));
	return here;
}

/* What is here is what was there. */
static void check_entries(void)
{
	struct aps_outbox_row row;
	char text[8192];
	int64_t n = 0, n_begun = 0;
	aps_outbox_row_init(&row);
	for (int64_t after = 0;; after = row.entry.id) {
		ok(aps_outbox_next(db, aps_entry_all(), after, &row, &err));
		if (row.entry.id == 0) break;
		n++;
		n_begun += row.delivery.is_begun;
		int64_t number = aps_entry_number(row.entry.id), was = ids[number - N_LETTERS - 1];
		struct aps_outbox_entry made = made_entry(owner_here(was), number, text);
		assert_int_equal(row.entry.id, made.id);
		assert_true(aps_str_eq(row.entry.variables, made.variables));
		assert_true(aps_str_eq(row.entry.document, made.document));
		if (row.delivery.is_begun) assert_true(row.delivery.is_sending);
	}
	assert_int_equal(n, salvage.outbox.n_copied);
	assert_int_equal(n_begun, salvage.deliveries.n_copied + salvage.n_in_doubt);
	aps_outbox_row_clear(&row);
}

static void check_letters(void)
{
	struct aps_dead_letter letter;
	char text[8192];
	int64_t n = 0;
	aps_dead_letter_init(&letter);
	for (int64_t after = 0;; after = letter.entry.id, n++) {
		ok(aps_dead_letters_next(db, aps_entry_all(), after, &letter, &err));
		if (letter.entry.id == 0) break;
		int64_t number = aps_entry_number(letter.entry.id);
		struct aps_outbox_entry made = made_entry(owner_here(letters[number - 1]), number, text);
		assert_int_equal(letter.entry.id, made.id);
		assert_true(aps_str_eq(letter.entry.variables, made.variables));
		assert_int_equal(letter.death.died_ms, number);
		assert_int_equal(letter.death.blocked_by, 3);
	}
	assert_int_equal(n, salvage.dead_letters.n_copied);
	aps_dead_letter_clear(&letter);
}

static void check_rest(void)
{
	struct aps_kept_outcome outcome;
	struct aps_id_made pair;
	char temporary[32];
	int64_t n = 0;
	aps_kept_outcome_init(&outcome);
	for (int64_t after = 0;; after = outcome.number, n++) {
		ok(aps_outcomes_next(db, 0, after, &outcome, &err));
		if (outcome.number == 0) break;
		assert_false(outcome.is_told);
		assert_text(outcome.content, "{\"data\":{}}");
		int64_t i = outcome.number - N_ENTRIES - N_LETTERS - 1;
		assert_int_equal(outcome.owner, owner_here(aps_entry_owned(2 + i % N_OWNERS).first));
	}
	assert_int_equal(n, salvage.outcomes.n_copied);
	aps_kept_outcome_clear(&outcome);
	aps_id_made_init(&pair);
	n = 0;
	for (int i = 0; i < N_PAIRS; i++) {
		int64_t owner = owner_here(aps_entry_owned(2 + i % N_OWNERS).first);
		snprintf(temporary, sizeof temporary, "temporary-%d", i);
		ok(aps_id_map_find(db, owner, aps_str_of(temporary), &pair, &err));
		n += pair.owner != 0;
		if (pair.owner == 0) continue;
		assert_int_equal(pair.maker, i);
		assert_int_equal(pair.is_made, i % 2 == 0);
	}
	assert_int_equal(n, salvage.ids.n_copied);
	assert_int_equal(n, n_in("id_map"));
	aps_id_made_clear(&pair);
}

static void check_count(const struct aps_salvage_count *count, int64_t n)
{
	assert_true(count->n_copied <= n);
	if (count->n_copied < n) assert_true(!salvage.is_readable || count->n_damaged > 0 || count->n_stretches > 0);
}

static int64_t n_of_highest(void)
{
	return db_int(db, "SELECT max(coalesce((SELECT max(id & 1099511627775) FROM outbox), 0),"
	                  " coalesce((SELECT max(number) FROM outcome), 0),"
	                  " coalesce((SELECT max(id & 1099511627775) FROM dead_letter), 0))");
}

static void check(void)
{
	int64_t last;
	check_entries();
	check_letters();
	check_rest();
	check_count(&salvage.outbox, N_ENTRIES);
	check_count(&salvage.dead_letters, N_LETTERS);
	ok(aps_outbox_last_number(db, &last, &err));
	assert_true(last >= n_of_highest());
}

/* Each that can be read by its id alone came over. */
static void check_readable(void)
{
	struct aps_err own;
	struct aps_db *damaged;
	struct aps_outbox_row row;
	const struct aps_db_options options = {.read_only = true, .is_still = true};
	if (aps_db_open(place.path, &options, &damaged, &own) != APS_OK) return;
	aps_outbox_row_init(&row);
	for (size_t i = 0; i < N_ENTRIES; i++) {
		struct aps_query query;
		char text[8192];
		int64_t owner = owner_here(ids[i]);
		if (owner == 0) continue;
		aps_query_init(&query, damaged, "SELECT " APS_OUTBOX_ENTRY_COLUMNS ", sum FROM outbox WHERE id = ?1",
		               &own);
		aps_query_int(&query, ids[i]);
		bool is_readable = aps_query_row(&query) && aps_outbox_read_entry(query.stmt, &row, &own) == APS_OK;
		(void)aps_query_end(&query);
		if (!is_readable) continue;
		assert_true(aps_str_eq(row.entry.variables, variables_of(aps_entry_number(ids[i]), text)));
		ok(aps_outbox_find(db, aps_entry_id_of(ids[i], owner), &row, &err));
		if (row.entry.id == 0) fail_msg("%llx could be read and wasn't", (unsigned long long)ids[i]);
	}
	aps_outbox_row_clear(&row);
	aps_db_close(damaged);
}

static void a_sound_file_comes_over_whole(void **state)
{
	(void)state;
	uint32_t nonce;
	run();
	check();
	assert_true(salvage.is_readable);
	assert_false(aps_salvage_has_losses(&salvage));
	assert_int_equal(salvage.owners.n_copied, N_OWNERS + 1);
	assert_int_equal(salvage.outbox.n_copied, N_ENTRIES);
	assert_int_equal(salvage.deliveries.n_copied, 2 * N_OWNERS);
	assert_int_equal(salvage.dead_letters.n_copied, N_LETTERS);
	assert_int_equal(salvage.outcomes.n_copied, N_OUTCOMES - N_OUTCOMES / 3);
	assert_int_equal(salvage.ids.n_copied, N_PAIRS);
	assert_int_equal(salvage.n_in_doubt, 0);
	int64_t last;
	ok(aps_outbox_last_number(db, &last, &err));
	assert_int_equal(last, N_ENTRIES + N_LETTERS + N_OUTCOMES);
	ok(aps_outbox_nonce(db, &nonce, &err));
	struct aps_db *old = db_open_as(place.path, &(struct aps_db_options){.read_only = true, .is_still = true});
	assert_true(nonce != db_int(old, "SELECT value FROM counter WHERE id = -3"));
	aps_db_close(old);
}

static void what_stands_in_the_log_alone_comes_over_too(void **state)
{
	(void)state;
	struct aps_db *last, *fresh = db;
	struct aps_db_options options = {.busy_ms = 0};
	last = db = db_open_as(place.path, &options);
	int64_t added = enqueue(2);
	aps_db_abandon(last);
	db = fresh;
	run();
	assert_int_equal(salvage.outbox.n_copied, N_ENTRIES + 1);
	assert_false(aps_salvage_has_losses(&salvage));
	assert_int_equal(db_int(db, "SELECT max(id & 1099511627775) FROM outbox"), aps_entry_number(added));
	/* file and log stay as they were, and nothing else is left */
	char name[64];
	snprintf(name, sizeof name, "%s-wal", place.path);
	assert_true(aps_db_is_there(name));
	snprintf(name, sizeof name, "%s-shm", place.path);
	assert_false(aps_db_is_there(name));
}

static void a_log_that_was_cut_is_a_loss_where_that_can_be_seen(void **state)
{
	(void)state;
	char name[64];
	struct stat found;
	struct aps_db *last, *fresh = db;
	struct aps_db_options options = {.busy_ms = 0};
	last = db = db_open_as(place.path, &options);
	ok(aps_db_begin(db, &err));
	(void)enqueue(2);
	ok(aps_db_commit(db, &err));
	aps_db_abandon(last);
	db = fresh;
	snprintf(name, sizeof name, "%s-wal", place.path);
	assert_int_equal(stat(name, &found), 0);
	assert_int_equal(truncate(name, found.st_size - 100), 0);
	run();
	assert_int_equal(salvage.outbox.n_copied, N_ENTRIES);
	assert_true(salvage.is_log_open);
	assert_true(aps_salvage_has_losses(&salvage));
}

static void bytes_that_changed_anywhere_leave_the_rest_as_it_was(void **state)
{
	(void)state;
	char *bytes = malloc(n_whole);
	for (uint64_t seed = 1; seed <= 150; seed++) {
		struct aps_rand rand;
		aps_rand_init(&rand, seed);
		memcpy(bytes, whole, n_whole);
		for (uint64_t n = 1 + aps_rand_below(&rand, 12); n > 0; n--)
			bytes[100 + aps_rand_below(&rand, n_whole - 100)] ^= (char)(1 + aps_rand_below(&rand, 255));
		write_file(bytes, n_whole);
		printf("seed %d\n", (int)seed);
		run();
		check();
		check_readable();
	}
	free(bytes);
}

static void a_page_that_is_gone_takes_only_its_own_rows(void **state)
{
	(void)state;
	char *bytes = malloc(n_whole);
	int64_t n_partly = 0;
	for (size_t page = 0; page < n_whole / PAGE; page++) {
		memcpy(bytes, whole, n_whole);
		memset(bytes + page * PAGE, 0, PAGE);
		write_file(bytes, n_whole);
		run();
		check();
		check_readable();
		assert_int_equal(salvage.is_readable, page != 0);
		assert_true(page == 0 || salvage.owners.n_copied == N_OWNERS + 1);
		assert_true(page != 0 || aps_salvage_has_losses(&salvage));
		int64_t n = salvage.outbox.n_copied;
		n_partly += n > 0 && n < N_ENTRIES;
	}
	assert_true(n_partly > 10);
	free(bytes);
}

/* The leaf pages of a table. */
static size_t find_leaves(const char *table, size_t pages[], size_t max_pages)
{
	struct aps_db *old = db_open_as(place.path, &(struct aps_db_options){.read_only = true, .is_still = true});
	char sql[128];
	size_t n = 0;
	snprintf(sql, sizeof sql, "SELECT pageno FROM dbstat WHERE name = '%s' AND pagetype = 'leaf' ORDER BY path",
	         table);
	struct aps_stmt *stmt;
	bool has_row = false;
	if (aps_db_prepare(old, aps_str_of(sql), &stmt, &err) == APS_OK)
		while (n < max_pages && aps_stmt_step(stmt, &has_row, &err) == APS_OK && has_row)
			pages[n++] = (size_t)aps_stmt_column_int(stmt, 0) - 1;
	aps_db_close(old);
	return n;
}

static void what_is_between_two_lost_pages_is_found(void **state)
{
	(void)state;
	size_t pages[64], n = find_leaves("outbox", pages, APS_COUNTOF(pages));
	if (n == 0) skip(); /* this SQLite can't tell which pages they are */
	assert_true(n > 10);
	char *bytes = malloc(n_whole);
	memcpy(bytes, whole, n_whole);
	for (size_t i = 0; i < n; i += 2) memset(bytes + pages[i] * PAGE, 0, PAGE);
	write_file(bytes, n_whole);
	free(bytes);
	run();
	check();
	check_readable();
	assert_true(salvage.outbox.n_copied > N_ENTRIES / 4);
	assert_true(salvage.outbox.n_stretches >= (int64_t)(n / 2) - 1);
}

static void lost_deliveries_leave_the_first_one_of_each_lane_in_doubt(void **state)
{
	(void)state;
	size_t page;
	if (find_leaves("delivery", &page, 1) == 0) skip();
	char *bytes = malloc(n_whole);
	memcpy(bytes, whole, n_whole);
	memset(bytes + page * PAGE, 0, PAGE);
	write_file(bytes, n_whole);
	free(bytes);
	run();
	check();
	assert_int_equal(salvage.outbox.n_copied, N_ENTRIES);
	assert_int_equal(salvage.deliveries.n_copied, 0);
	assert_int_equal(salvage.deliveries.n_stretches, 1);
	assert_int_equal(salvage.n_in_doubt, 2 * N_OWNERS);
}

static void by_entity_all_are_in_doubt_where_deliveries_are_lost(void **state)
{
	(void)state;
	struct aps_db *old = db_open_as(place.path, &db_defaults);
	ok(aps_outbox_facts_note(old, APS_OUTBOX_FACT_BY_ENTITY, &err));
	ok(aps_outbox_facts_note(old, APS_OUTBOX_FACT_MERGES, &err));
	db_do(old, "UPDATE delivery SET sum = sum + 1");
	aps_db_close(old);
	run();
	unsigned facts;
	ok(aps_outbox_facts_read(db, &facts, &err));
	assert_int_equal(facts, APS_OUTBOX_FACT_BY_ENTITY | APS_OUTBOX_FACT_MERGES);
	assert_int_equal(salvage.outbox.n_copied, N_ENTRIES);
	assert_int_equal(salvage.n_in_doubt, N_ENTRIES);
}

static void mutations_of_nobody_are_counted_and_stay_behind(void **state)
{
	(void)state;
	struct aps_db *old = db_open_as(place.path, &db_defaults);
	db_do(old, "DELETE FROM owner WHERE identity = 'ann'; DELETE FROM owner_copy WHERE identity = 'ann';"
	           "UPDATE owner SET sum = 0 WHERE identity = 'bob'");
	int64_t n = 0;
	for (size_t i = 0; i < N_ENTRIES; i++) n += aps_entry_owner(ids[i]) == 2;
	aps_db_close(old);
	run();
	assert_int_equal(salvage.outbox.n_copied, N_ENTRIES - n);
	assert_int_equal(salvage.outbox.n_damaged, n);
	assert_int_equal(salvage.owners.n_copied, N_OWNERS);
	assert_int_equal(salvage.owners.n_damaged, 0);
}

/* As where a page has the content that another one had before. */
static void what_has_its_outcome_is_not_queued_again(void **state)
{
	(void)state;
	struct aps_db *old = db_open_as(place.path, &db_defaults);
	struct aps_kept_outcome outcome = {.owner = 2, .entry = aps_entry_number(ids[7]), .is_told = true};
	outcome.content = APS_STR("{\"data\":{}}");
	char text[8192];
	int64_t number = aps_entry_number(ids[8]);
	struct aps_outbox_entry entry = made_entry(aps_entry_owner(ids[8]), number, text);
	struct aps_death death = {.died_ms = number, .outcome = APS_STR("refused")};
	ok(aps_db_begin(old, &err));
	ok(aps_outcomes_add(old, &outcome, &err));
	ok(aps_dead_letters_insert(old, &entry, &death, &err));
	ok(aps_db_commit(old, &err));
	aps_db_close(old);
	run();
	assert_int_equal(salvage.outbox.n_copied, N_ENTRIES - 2);
	assert_int_equal(salvage.dead_letters.n_copied, N_LETTERS + 1);
	for (size_t i = 7; i <= 8; i++) {
		struct aps_outbox_row row;
		aps_outbox_row_init(&row);
		ok(aps_outbox_find(db, aps_entry_id_of(ids[i], owner_here(ids[i])), &row, &err));
		assert_int_equal(row.entry.id, 0);
		aps_outbox_row_clear(&row);
	}
}

static void numbers_go_on_where_the_counter_is_lost(void **state)
{
	(void)state;
	static const char *const ROWS[] = {"DELETE FROM counter", "UPDATE counter SET value = 5",
	                                   "UPDATE counter SET value = 1 << 45"};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		int64_t last;
		write_file(whole, n_whole);
		struct aps_db *old = db_open_as(place.path, &db_defaults);
		db_do(old, ROWS[i]);
		aps_db_close(old);
		run();
		ok(aps_outbox_last_number(db, &last, &err));
		assert_true(last > N_ENTRIES + N_LETTERS + N_OUTCOMES && last < 10000000);
		assert_int_equal(salvage.outbox.n_copied, N_ENTRIES);
	}
}

static void a_store_of_before_the_outbox_has_none_and_text_is_no_store(void **state)
{
	(void)state;
	struct aps_db *old = db_open_as(place.path, &db_defaults);
	db_do(old, "DROP TABLE owner; DROP TABLE owner_copy; DROP TABLE outbox; DROP TABLE delivery;"
	           "DROP TABLE dead_letter; DROP TABLE outcome; DROP TABLE id_map; PRAGMA user_version = 1");
	aps_db_close(old);
	run();
	assert_true(salvage.is_readable);
	assert_false(aps_salvage_has_losses(&salvage));
	write_file("this is no store", 16);
	run();
	assert_false(salvage.is_readable);
	assert_true(aps_salvage_has_losses(&salvage));
	unlink(place.path);
	run();
	assert_false(salvage.is_readable);
}

static void a_table_that_is_gone_is_counted(void **state)
{
	(void)state;
	struct aps_db *old = db_open_as(place.path, &db_defaults);
	db_do(old, "DROP TABLE outbox; DROP TABLE id_map");
	aps_db_close(old);
	run();
	assert_true(salvage.is_readable);
	assert_int_equal(salvage.outbox.n_copied, 0);
	assert_int_equal(salvage.outbox.n_stretches, 1);
	assert_int_equal(salvage.ids.n_stretches, 1);
	assert_int_equal(salvage.dead_letters.n_copied, N_LETTERS);
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	char *bytes = malloc(n_whole);
	memcpy(bytes, whole, n_whole);
	for (size_t i = n_whole / 4; i < n_whole; i += 3000) bytes[i] ^= 1;
	write_file(bytes, n_whole);
	free(bytes);
	for (size_t nth = 1;; nth += nth < 100 ? 1 : 37) {
		outbox_teardown(NULL);
		outbox_setup(NULL);
		ok(aps_db_begin(db, &err));
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_salvage_run(place.path, db, &salvage, &err);
		bool was_reached = rc != APS_OK;
		aps_mem_fail_at(0);
		aps_db_rollback(db);
		if (!was_reached) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_sound_file_comes_over_whole),
	        TEST(what_stands_in_the_log_alone_comes_over_too),
	        TEST(a_log_that_was_cut_is_a_loss_where_that_can_be_seen),
	        TEST(bytes_that_changed_anywhere_leave_the_rest_as_it_was),
	        TEST(a_page_that_is_gone_takes_only_its_own_rows),
	        TEST(what_is_between_two_lost_pages_is_found),
	        TEST(lost_deliveries_leave_the_first_one_of_each_lane_in_doubt),
	        TEST(by_entity_all_are_in_doubt_where_deliveries_are_lost),
	        TEST(mutations_of_nobody_are_counted_and_stay_behind),
	        TEST(what_has_its_outcome_is_not_queued_again),
	        TEST(numbers_go_on_where_the_counter_is_lost),
	        TEST(a_store_of_before_the_outbox_has_none_and_text_is_no_store),
	        TEST(a_table_that_is_gone_is_counted),
	        TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
