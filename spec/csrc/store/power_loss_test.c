/* The power goes at random moments while a database is written (spec/support/lost_power.h), in every other life after
 * an operation that fails: what was acknowledged under FULL is there, in whole transactions, and no level but OFF
 * leaves a damaged file. N=200 SEED=1: that many histories instead of a few, each with a seed of its own. */
#include "../../support/faulty_vfs.h"
#include "db_fixture.h"

#include <sys/wait.h>
#include <time.h>

#define SLOTS    40
#define ROUNDS   5  /* losses of power of one history */
#define COMMITS  30 /* of a round, at most */
#define MAX_BODY 3000

/* The commit that wrote a slot last, and its write of it; 0: the slot is empty. */
struct model {
	int64_t commit[SLOTS];
	int write[SLOTS];
};

/* What came of a history: commits that were acknowledged and aren't there; files that are no database any more. */
struct outcome {
	int64_t n_lost;
	bool is_damaged;
};

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = a * 0x9e3779b97f4a7c15u + b + 0x632be59bd9b4e019u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Everything that a commit does follows from its number. */
static int n_writes(uint64_t seed, int64_t commit)
{
	return 1 + (int)(mix(seed, (uint64_t)commit) % 4);
}

static uint64_t choice(uint64_t seed, int64_t commit, int write, uint64_t of)
{
	return mix(mix(seed, (uint64_t)commit), (uint64_t)write * 8 + of);
}

static int slot_of(uint64_t seed, int64_t commit, int write)
{
	return (int)(choice(seed, commit, write, 1) % SLOTS);
}

static bool is_removal(uint64_t seed, int64_t commit, int write)
{
	return choice(seed, commit, write, 2) % 5 == 0;
}

static struct aps_str body_of(uint64_t seed, int64_t commit, int write, char *body)
{
	size_t n = (size_t)(choice(seed, commit, write, 3) % MAX_BODY);
	for (size_t i = 0; i < n; i++) body[i] = (char)choice(seed, commit, write, 4 + i / 7);
	return (struct aps_str){body, n};
}

static void model_apply(struct model *model, uint64_t seed, int64_t commit)
{
	for (int i = 0; i < n_writes(seed, commit); i++) {
		int slot = slot_of(seed, commit, i);
		model->commit[slot] = is_removal(seed, commit, i) ? 0 : commit;
		model->write[slot] = i;
	}
}

static bool run(struct aps_stmt *stmt)
{
	struct aps_err err = {0};
	bool has_row = false;
	return aps_stmt_step(stmt, &has_row, &err) == APS_OK;
}

static bool write_slot(struct aps_db *db, uint64_t seed, int64_t commit, int write)
{
	struct aps_err err = {0};
	char body[MAX_BODY];
	bool is_gone = is_removal(seed, commit, write);
	struct aps_stmt *stmt = db_statement(db, is_gone ? "DELETE FROM slot WHERE id = ?"
	                                                 : "INSERT OR REPLACE INTO slot VALUES (?, ?, ?)");
	assert_int_equal(aps_stmt_bind_int(stmt, 1, slot_of(seed, commit, write), &err), APS_OK);
	if (!is_gone) {
		assert_int_equal(aps_stmt_bind_int(stmt, 2, commit, &err), APS_OK);
		assert_int_equal(aps_stmt_bind_blob(stmt, 3, body_of(seed, commit, write, body), &err), APS_OK);
	}
	return run(stmt);
}

static bool write_commit(struct aps_db *db, uint64_t seed, int64_t commit)
{
	struct aps_err err = {0};
	if (aps_db_begin(db, &err) != APS_OK) return false;
	for (int i = 0; i < n_writes(seed, commit); i++)
		if (!write_slot(db, seed, commit, i)) return false;
	struct aps_stmt *stmt = db_statement(db, "UPDATE head SET commits = ?");
	assert_int_equal(aps_stmt_bind_int(stmt, 1, commit, &err), APS_OK);
	return run(stmt) && aps_db_commit(db, &err) == APS_OK;
}

/* An operation that fails is played once in a round: what it has ended is done again. */
static struct aps_db *open_database(const char *path, enum aps_db_sync level)
{
	struct aps_db_options options = {.busy_ms = APS_DB_BUSY_MS, .synchronous = level};
	struct aps_db *db = NULL;
	struct aps_err err = {0};
	if (aps_db_open(path, &options, &db, &err) != APS_OK && aps_db_open(path, &options, &db, &err) != APS_OK)
		_exit(1);
	(void)aps_db_exec(db, "PRAGMA wal_autocheckpoint = 12", &err);
	return db;
}

static bool make_tables(struct aps_db *db)
{
	struct aps_err err = {0};
	return aps_db_begin(db, &err) == APS_OK &&
	       aps_db_exec(db,
	                   "CREATE TABLE IF NOT EXISTS slot (id INTEGER PRIMARY KEY, commits INTEGER, body BLOB);"
	                   "CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY, commits INTEGER);"
	                   "INSERT OR IGNORE INTO head VALUES (1, 0)",
	                   &err) == APS_OK &&
	       aps_db_commit(db, &err) == APS_OK;
}

static int64_t n_commits(struct aps_db *db)
{
	struct aps_err err = {0};
	int64_t n = 0;
	if (!make_tables(db)) {
		aps_db_rollback(db);
		if (!make_tables(db)) _exit(1);
	}
	const char *sql = "SELECT commits FROM head";
	if (aps_db_read_int(db, sql, &n, &err) != APS_OK && aps_db_read_int(db, sql, &n, &err) != APS_OK) _exit(1);
	return n;
}

/* The number is told once it is made. */
static void commit_and_tell(struct aps_db *db, uint64_t seed, int64_t n, int told)
{
	if (!write_commit(db, seed, n)) {
		aps_db_rollback(db);
		if (!write_commit(db, seed, n)) _exit(1);
	}
	if (write(told, &n, sizeof(n)) != sizeof(n)) _exit(1);
}

static void play_faults(uint64_t seed, uint64_t round)
{
	char settings[80];
	unsigned n_operations = round == 0 ? 60 : 160;
	unsigned crash_at = 1 + (unsigned)(mix(seed, ~round) % n_operations);
	unsigned error_at = 1 + (unsigned)(mix(~seed, round) % n_operations);
	snprintf(settings, sizeof(settings), "seed=%llu crash=%u", (unsigned long long)mix(seed, round) >> 1, crash_at);
	if (!faulty_vfs_set(settings)) _exit(1);
	snprintf(settings, sizeof(settings), "error=%u", error_at);
	if (round % 2 == 1 && !faulty_vfs_set(settings)) _exit(1);
}

/* A process that commits until its power goes. Now and then it does what a store does beside its commits. */
static _Noreturn void write_until_the_end(const char *path, enum aps_db_sync level, uint64_t seed, uint64_t round,
                                          int told)
{
	struct aps_err err = {0};
	faulty_vfs_install();
	play_faults(seed, round);
	struct aps_db *db = open_database(path, level);
	int64_t n = n_commits(db);
	for (int i = 0; i < COMMITS; i++) {
		commit_and_tell(db, seed, ++n, told);
		uint64_t other = mix(seed + round, (uint64_t)n) % 12;
		if (other == 0) (void)aps_db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", &err);
		if (other == 1) (void)aps_db_exec(db, "PRAGMA incremental_vacuum(2)", &err);
		if (other != 2) continue;
		aps_db_close(db);
		db = open_database(path, level);
	}
	faulty_vfs_lose_power();
}

/* The last commit that was told. */
static int64_t write_and_lose(const char *path, enum aps_db_sync level, uint64_t seed, uint64_t round, int64_t before)
{
	int ends[2], status = 0;
	int64_t last = before, n;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) write_until_the_end(path, level, seed, round, ends[1]);
	assert_true(child > 0);
	close(ends[1]);
	while (read(ends[0], &n, sizeof(n)) == sizeof(n)) last = n;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != FAULTY_VFS_STATUS)
		fail_msg("seed %llu, round %llu: status %d", (unsigned long long)seed, (unsigned long long)round,
		         status);
	return last;
}

static bool is_whole(struct aps_db *db)
{
	struct aps_err err = {0};
	bool has_row = false;
	struct aps_stmt *stmt = NULL;
	if (aps_db_prepare(db, aps_str_of("PRAGMA integrity_check"), &stmt, &err) != APS_OK) return false;
	if (aps_stmt_step(stmt, &has_row, &err) != APS_OK || !has_row) return false;
	struct aps_str row = aps_stmt_column_str(stmt, 0);
	bool is_ok = row.n == 2 && memcmp(row.p, "ok", 2) == 0;
	aps_stmt_reset(stmt);
	return is_ok;
}

/* What is there is what this many commits leave, byte by byte. */
static bool holds(struct aps_db *db, const struct model *model, uint64_t seed)
{
	struct aps_err err = {0};
	bool has_row = false;
	char body[MAX_BODY];
	int64_t n_expected = 0;
	struct aps_stmt *stmt = db_statement(db, "SELECT commits, body FROM slot WHERE id = ?");
	for (int slot = 0; slot < SLOTS; slot++) {
		if (model->commit[slot] == 0) continue;
		n_expected++;
		assert_int_equal(aps_stmt_bind_int(stmt, 1, slot, &err), APS_OK);
		if (aps_stmt_step(stmt, &has_row, &err) != APS_OK || !has_row) return false;
		struct aps_str found = aps_stmt_column_str(stmt, 1),
		               expected = body_of(seed, model->commit[slot], model->write[slot], body);
		bool is_same = aps_stmt_column_int(stmt, 0) == model->commit[slot] && found.n == expected.n &&
		               (found.n == 0 || memcmp(found.p, expected.p, found.n) == 0);
		aps_stmt_reset(stmt);
		if (!is_same) return false;
	}
	return db_int(db, "SELECT count(*) FROM slot") == n_expected;
}

/* What the next process finds. @param told how many commits were acknowledged; then how many are there */
static struct outcome check(const char *path, uint64_t seed, int64_t *told)
{
	struct aps_err err = {0};
	struct aps_db *db = NULL;
	struct model model = {0};
	struct outcome outcome = {.is_damaged = true};
	int64_t n = 0, n_tables = 0;
	if (aps_db_open(path, &db_defaults, &db, &err) != APS_OK) return outcome;
	bool is_readable =
	        is_whole(db) && aps_db_read_int(db, "SELECT count(*) FROM sqlite_schema", &n_tables, &err) == APS_OK;
	if (is_readable && n_tables > 0)
		is_readable = aps_db_read_int(db, "SELECT commits FROM head", &n, &err) == APS_OK;
	if (is_readable) {
		for (int64_t i = 1; i <= n; i++) model_apply(&model, seed, i);
		outcome.is_damaged = n > *told + 1 || (n_tables > 0 && !holds(db, &model, seed));
		outcome.n_lost = n < *told ? *told - n : 0;
	}
	aps_db_abandon(db);
	*told = n;
	return outcome;
}

/* Some losses of power, one after the other, of one file. */
static struct outcome live(enum aps_db_sync level, uint64_t seed)
{
	struct outcome all = {0};
	struct db_place place;
	int64_t told = 0;
	db_place_make(&place);
	for (uint64_t round = 0; round < ROUNDS && !all.is_damaged; round++) {
		told = write_and_lose(place.path, level, seed, round, told);
		struct outcome outcome = check(place.path, seed, &told);
		all.n_lost += outcome.n_lost;
		all.is_damaged = outcome.is_damaged;
	}
	db_place_remove(&place);
	return all;
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	return text != NULL && text[0] != '\0' ? strtoul(text, NULL, 10) : otherwise;
}

/* The seeds 1 to N, and one that nobody knows before. Without N= there are few: each round waits for the disk. */
static int64_t live_often(enum aps_db_sync level, bool may_lose)
{
	unsigned long n = number_of("N", 8), other = number_of("SEED", (unsigned long)time(NULL));
	int64_t n_lost = 0;
	print_message("SEED=%lu\n", other);
	for (unsigned long i = 0; i <= n; i++) {
		unsigned long seed = i == n ? other : i + 1;
		struct outcome outcome = live(level, seed);
		if (outcome.is_damaged) fail_msg("seed %lu: the file is damaged", seed);
		if (outcome.n_lost > 0 && !may_lose)
			fail_msg("seed %lu: %lld commits are lost", seed, (long long)outcome.n_lost);
		n_lost += outcome.n_lost;
	}
	return n_lost;
}

static void what_was_acknowledged_under_full_is_there(void **state)
{
	(void)state;
	live_often(APS_DB_SYNC_FULL, false);
}

/* That some are lost shows that losses of power are any. */
static void under_normal_the_last_commits_may_be_gone_and_the_file_is_whole(void **state)
{
	(void)state;
	assert_true(live_often(APS_DB_SYNC_NORMAL, true) > 0);
}

static void without_syncs_a_file_is_damaged(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		if (live(APS_DB_SYNC_OFF, seed).is_damaged) return;
	fail_msg("nothing was damaged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_acknowledged_under_full_is_there),
	        cmocka_unit_test(under_normal_the_last_commits_may_be_gone_and_the_file_is_whole),
	        cmocka_unit_test(without_syncs_a_file_is_damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
