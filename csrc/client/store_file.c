#include "client/store_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "client/store_news.h"
#include "client/store_place.h"
#include "client/store_salvage.h"
#include "store/aside.h"
#include "store/cache_store.h"
#include "store/counters.h"
#include "store/db_error.h"
#include "store/db_names.h"
#include "store/db_space.h"
#include "store/layer_store.h"
#include "store/migrations.h"
#include "store/outbox_number.h"
#include "store/owners.h"
#include "store/seed.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BUSY_MS    250  /* for some other program that writes it, which none should: the core waits */
#define SHARED_MS  2000 /* for the others: a turn's writes, which may wait for a slow disk */
#define MOMENT_MS  200  /* that another process may need to open it */
#define STEP_MS    5
#define REPAIR_MS  2000  /* for whoever reads a log again that a process has left behind when it was killed */
#define MEMORY_MS  2000  /* that who writes and who reads in memory wait for each other */
#define OPENING_MS 200   /* that a reader may take to open a file which is to be moved */
#define AGAIN_MS   60000 /* a file that is damaged again so soon is left where it is */

static char *dup_text(const char *text)
{
	return text != NULL ? aps_strndup(text, strlen(text)) : NULL;
}

enum aps_rc aps_store_file_init(struct aps_store_file *file, const struct aps_store_options *options,
                                struct aps_err *err)
{
	*file = (struct aps_store_file){
	        .claim = {.fd = -1}, .synchronous = options->synchronous, .is_private = options->is_private};
	aps_buf_init(&file->news, APS_BUF_ANY_SIZE);
	aps_neighbours_init(&file->neighbours);
	file->path = dup_text(options->path);
	file->seed = dup_text(options->seed);
	if (file->path != NULL && (file->seed != NULL || options->seed == NULL)) return APS_OK;
	aps_store_file_clear(file);
	return aps_fail(err, APS_E_NOMEM, "out of memory");
}

static void forget_paths(struct aps_store_file *file)
{
	aps_free(file->real);
	aps_free(file->lock);
	aps_free(file->log);
	aps_free(file->index);
	file->real = file->lock = file->log = file->index = NULL;
	file->log_number = file->index_number = 0;
}

void aps_store_file_clear(struct aps_store_file *file)
{
	aps_store_file_let_go(file, NULL);
	aps_buf_clear(&file->news);
	aps_free(file->path);
	aps_free(file->seed);
	forget_paths(file);
	file->path = file->seed = NULL;
}

void aps_store_file_tell(struct aps_store_file *file, const char *level, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	aps_store_news_addv(&file->news, file->path, level, format, args);
	va_end(args);
}

static int random_slot(void)
{
	struct aps_rand rand;
	aps_rand_init_system(&rand);
	return 1 + (int)aps_rand_below(&rand, APS_CLAIM_MAX_SLOT - 1);
}

/* NULL: there is no memory. */
static char *path_beside(const struct aps_store_file *file, const char *ending)
{
	struct aps_buf path;
	aps_buf_init(&path, APS_BUF_ANY_SIZE);
	aps_buf_addf(&path, "%s%s", file->real, ending);
	char *text = path.rc == APS_OK ? dup_text(path.p) : NULL;
	aps_buf_clear(&path);
	return text;
}

static enum aps_rc open_claim(struct aps_store_file *file, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	forget_paths(file);
	aps_db_make_folder(file->path);
	if (file->seed != NULL) rc = aps_seed_plant(file->seed, file->path, err);
	if (rc == APS_OK) rc = aps_db_make_file(file->path, &file->real, err);
	if (rc != APS_OK) return rc;
	file->lock = path_beside(file, "-leader");
	file->log = path_beside(file, "-wal");
	file->index = path_beside(file, "-shm");
	if (file->lock == NULL || file->log == NULL || file->index == NULL)
		return aps_fail(err, APS_E_NOMEM, "out of memory");
	rc = aps_process_open_claim(file->lock, file->real, &file->claim, err);
	file->claim.wanted = file->is_private ? 1 : random_slot();
	return rc;
}

/* Each name of a file has a lock file and a log of its own. */
static enum aps_rc check_names(struct aps_store_file *file, struct aps_err *err)
{
	long pid;
	if (file->is_private || !file->claim.is_alone || !aps_db_is_open_by_name(file->real, &pid)) return APS_OK;
	aps_process_release(&file->claim);
	return aps_fail_word(err, APS_E_STORAGE, "locked", 0,
	                     "another process (%ld) has it open under another name (a hard link)", pid);
}

/* Whoever calls the others out has the call as long as it has the lock file open. */
static enum aps_rc claim_once(struct aps_store_file *file, bool may_share, struct aps_err *err)
{
	if (file->damage.code != APS_OK) {
		aps_claim_call(&file->claim, true);
		may_share = false;
	}
	enum aps_rc rc = aps_claim_alone(&file->claim, err);
	if (rc == APS_OK && file->damage.code != APS_OK) aps_claim_call(&file->claim, false);
	if (rc == APS_OK || !may_share || err->word == NULL) return rc;
	return aps_claim_share(&file->claim, err);
}

static enum aps_rc claim(struct aps_store_file *file, bool may_share, struct aps_err *err)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000};
	if (file->claim.fd >= 0 && file->claim.slot != 0) return APS_OK;
	enum aps_rc rc = file->claim.fd < 0 ? open_claim(file, err) : APS_OK;
	if (rc != APS_OK) return rc;
	rc = claim_once(file, may_share, err);
	bool waits = may_share && !file->was_tried && !file->claim.is_inherited;
	file->was_tried = true;
	for (int n = MOMENT_MS / STEP_MS; rc == APS_E_STORAGE && err->word != NULL && waits && n > 0; n--) {
		nanosleep(&step, NULL);
		rc = claim_once(file, may_share, err);
	}
	if (rc != APS_OK && file->damage.code == APS_OK) aps_process_release(&file->claim);
	return rc == APS_OK ? check_names(file, err) : rc;
}

static bool is_lost(const char *path, ino_t number)
{
	return number != 0 && aps_file_number(path, number) != number;
}

const char *aps_store_file_what_is_lost(const struct aps_store_file *file)
{
	if (file->is_private || file->lock == NULL) return NULL;
	if (aps_claim_is_moved(&file->claim, file->lock))
		return "the store's lock file was moved, replaced or deleted while it was open";
	if (aps_claim_is_dropped(&file->claim))
		return "this program has opened and closed the store's lock file, and so dropped the locks on it";
	if (is_lost(file->log, file->log_number))
		return "the store's write-ahead log was moved, replaced or deleted while it was open";
	if (is_lost(file->index, file->index_number))
		return "the index of the store's log was moved, replaced or deleted while it was open";
	return NULL;
}

enum aps_rc aps_store_file_check_there(const struct aps_store_file *file, struct aps_db *db, struct aps_err *err)
{
	const char *why = aps_db_is_moved(db) ? "the store's file was moved, replaced or deleted while it was open"
	                                      : aps_store_file_what_is_lost(file);
	return why == NULL ? APS_OK : aps_fail_word(err, APS_E_STORAGE, "missing", 0, "%s", why);
}

/* SQLite goes by the log's name: the last one that closes the file would fold what it knows of the old log over what is
 * in the new one, and remove the new one. */
void aps_store_file_close(const struct aps_store_file *file, struct aps_db *db)
{
	bool is_done, has_log = !is_lost(file->log, file->log_number);
	if (db == NULL || (has_log && !is_lost(file->index, file->index_number))) {
		aps_db_close(db);
		return;
	}
	aps_db_rollback(db);
	if (!has_log && aps_file_number(file->log, file->log_number) == 0 && !aps_db_is_moved(db))
		(void)aps_db_truncate_log(db, &is_done, NULL);
	aps_db_abandon(db);
}

enum aps_rc aps_store_file_claim(struct aps_store_file *file, struct aps_err *err)
{
	return claim(file, false, err);
}

void aps_store_file_share(struct aps_store_file *file)
{
	struct aps_err err;
	if (!file->is_private && !file->claim.is_inherited && file->claim.is_alone)
		(void)aps_claim_share(&file->claim, &err);
}

void aps_store_file_be_patient(struct aps_db *db, bool has_others)
{
	aps_db_set_patience(db, has_others ? SHARED_MS : BUSY_MS);
}

void aps_store_file_let_go(struct aps_store_file *file, const struct aps_err *damage)
{
	aps_process_release(&file->claim);
	aps_neighbours_close(&file->neighbours);
	file->log_number = file->index_number = 0;
	if (damage != NULL) file->damage = *damage;
}

static enum aps_rc bring_up_to_date(struct aps_opened_store *opened, uint64_t generation, struct aps_err *err)
{
	opened->generation = generation;
	enum aps_rc rc = aps_migrations_run(opened->db, err);
	if (rc == APS_OK) rc = aps_outbox_check_numbers(opened->db, err);
	if (rc == APS_OK) rc = aps_owners_check(opened->db, err);
	if (rc == APS_OK) rc = aps_layer_store_drop_all_passing(opened->db, err);
	if (rc == APS_OK) rc = aps_counters_last_number(opened->db, &opened->last_number, err);
	if (rc == APS_OK) rc = aps_counters_catch_up(opened->db, &opened->generation, err);
	opened->version = aps_db_version(opened->db);
	return rc;
}

/* Others have brought it up to date. */
static enum aps_rc join(struct aps_opened_store *opened, uint64_t generation, struct aps_err *err)
{
	bool is_done;
	opened->generation = generation;
	enum aps_rc rc = aps_migrations_are_done(opened->db, &is_done, err);
	if (rc == APS_OK && !is_done)
		rc = aps_fail_word(err, APS_E_STORAGE, "locked", 0, "another process has it open, in another version");
	opened->version = aps_db_version(opened->db); /* they may commit between this and the next line */
	if (rc == APS_OK) rc = aps_counters_last_number(opened->db, &opened->last_number, err);
	return rc == APS_OK ? aps_counters_catch_up(opened->db, &opened->generation, err) : rc;
}

static enum aps_rc open_patiently(struct aps_store_file *file, uint64_t generation, int busy_ms,
                                  struct aps_opened_store *opened, struct aps_err *err)
{
	const struct aps_db_options options = {
	        .has_own_tables = true, .synchronous = file->synchronous, .busy_ms = busy_ms};
	enum aps_rc rc = aps_db_open(file->real, &options, &opened->db, err);
	if (rc == APS_OK) aps_db_set_slot(opened->db, file->claim.slot);
	if (rc == APS_OK && file->claim.is_alone)
		rc = bring_up_to_date(opened, generation, err);
	else if (rc == APS_OK)
		rc = join(opened, generation, err);
	file->log_number = rc == APS_OK ? aps_file_number(file->log, 0) : 0;
	file->index_number = rc == APS_OK ? aps_file_number(file->index, 0) : 0;
	if (rc == APS_OK) return rc;
	aps_db_abandon(opened->db);
	opened->db = NULL;
	return rc;
}

/* A log that is large takes longer to be read again than anybody holds a lock; a lock alone isn't waited for so long.
 */
static enum aps_rc open_once(struct aps_store_file *file, uint64_t generation, struct aps_opened_store *opened,
                             struct aps_err *err)
{
	enum aps_rc rc = open_patiently(file, generation, BUSY_MS, opened, err);
	if (rc != APS_E_STORAGE || !aps_db_is_under_repair(err)) return rc;
	rc = open_patiently(file, generation, REPAIR_MS, opened, err);
	if (rc == APS_OK) aps_db_set_patience(opened->db, BUSY_MS);
	return rc;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

enum aps_rc aps_store_file_set_aside(struct aps_store_file *file, const struct aps_err *why, struct aps_err *err)
{
	struct aps_buf name;
	int64_t now_ms = aps_clock_mono_ms();
	if (file->replaced_ms != 0 && now_ms - file->replaced_ms < AGAIN_MS)
		return aps_fail_word(err, APS_E_STORAGE, "corrupt", why->native, "%s, although it is new", why->msg);
	if (!aps_process_begin_moving(OPENING_MS))
		return aps_fail(err, APS_E_STORAGE, "%s, but it is being read at this moment", why->msg);
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_aside_move(file->real, aps_clock_wall_ms() / 1000, &name, err);
	aps_process_end_moving();
	if (rc == APS_OK) {
		file->replaced_ms = now_ms;
		aps_store_file_tell(file, "error", "was damaged (%s): it was set aside as %s, and a new one begun",
		                    why->msg, base_of(name.p));
	}
	aps_buf_clear(&name);
	return rc;
}

static enum aps_rc open_or_replace(struct aps_store_file *file, uint64_t generation, struct aps_opened_store *opened,
                                   struct aps_err *err)
{
	enum aps_rc rc = open_once(file, generation, opened, err);
	if (rc != APS_E_STORAGE || err->word == NULL || strcmp(err->word, "corrupt") != 0) return rc;
	struct aps_err why = *err;
	rc = aps_store_file_set_aside(file, &why, err);
	opened->is_new = true;
	return rc == APS_OK ? open_once(file, generation, opened, err) : rc;
}

/* In place of one that was found to be damaged when others had it. */
static enum aps_rc replace_known(struct aps_store_file *file, uint64_t generation, struct aps_opened_store *opened,
                                 struct aps_err *err)
{
	struct aps_err why = file->damage;
	file->damage.code = APS_OK;
	enum aps_rc rc = aps_store_file_set_aside(file, &why, err);
	opened->is_new = true;
	return rc == APS_OK ? open_once(file, generation, opened, err) : rc;
}

static enum aps_rc open_alone(struct aps_store_file *file, uint64_t generation, struct aps_opened_store *opened,
                              struct aps_err *err)
{
	aps_store_salvage_prepare(file->real);
	enum aps_rc rc = file->damage.code != APS_OK ? replace_known(file, generation, opened, err)
	                                             : open_or_replace(file, generation, opened, err);
	const struct aps_store_salvage salvage = {file->path, file->real, file->synchronous, &file->news};
	return rc == APS_OK ? aps_store_salvage_run(&salvage, opened->db, err) : rc;
}

/* What is damaged is seen to by whoever has it alone. */
static enum aps_rc open_shared(struct aps_store_file *file, uint64_t generation, struct aps_opened_store *opened,
                               struct aps_err *err)
{
	enum aps_rc rc = open_once(file, generation, opened, err);
	if (rc == APS_OK) aps_db_set_patience(opened->db, SHARED_MS);
	if (rc == APS_OK) return rc;
	bool is_damage = rc == APS_E_STORAGE && err->word != NULL && strcmp(err->word, "corrupt") == 0;
	aps_store_file_let_go(file, is_damage ? err : NULL);
	return rc;
}

enum aps_rc aps_store_file_open(struct aps_store_file *file, uint64_t generation, struct aps_opened_store *opened,
                                struct aps_err *err)
{
	*opened = (struct aps_opened_store){.db = NULL};
	enum aps_rc rc = claim(file, !file->is_private, err);
	if (rc == APS_OK && !file->claim.is_alone) return open_shared(file, generation, opened, err);
	if (rc == APS_OK) rc = open_alone(file, generation, opened, err);
	if (rc == APS_OK || opened->db == NULL) return rc;
	aps_db_abandon(opened->db);
	opened->db = NULL;
	return rc;
}

enum aps_rc aps_store_file_open_memory(uint64_t place, uint64_t generation, struct aps_opened_store *opened,
                                       struct aps_err *err)
{
	const struct aps_db_options options = {.has_own_tables = true, .in_memory = true, .busy_ms = MEMORY_MS};
	char name[APS_PLACE_NAME_BYTES];
	*opened = (struct aps_opened_store){.db = NULL};
	aps_place_name(place, name);
	enum aps_rc rc = aps_db_open(name, &options, &opened->db, err);
	if (rc == APS_OK) rc = bring_up_to_date(opened, generation, err);
	if (rc == APS_OK) return rc;
	aps_db_close(opened->db);
	opened->db = NULL;
	return rc;
}
