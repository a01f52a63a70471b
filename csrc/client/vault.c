#include "client/vault.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "client/drops.h"
#include "client/store_place.h"
#include "store/cache_store.h"
#include "store/carry.h"
#include "store/db_check.h"
#include "store/db_simulation.h"
#include "store/db_space.h"
#include "store/db_take_back.h"

#include <stdio.h>

#define FIRST_WAIT_MS 500
#define LAST_WAIT_MS  30000
#define FOLD_MS       5   /* until the log is folded once more, where somebody reads from it, */
#define MAX_FOLDS     200 /* and no more often: what is written later folds it as well */
#define DOUBT_MS      60000

static bool is_word(const struct aps_err *err, const char *word)
{
	return err->code == APS_E_STORAGE && err->word != NULL && strcmp(err->word, word) == 0;
}

static uint64_t new_place(enum aps_place_kind kind)
{
	struct aps_rand rand;
	aps_rand_init_system(&rand);
	return aps_place_make(kind, aps_rand_u64(&rand));
}

static enum aps_place_kind kind_of(const struct aps_vault *vault)
{
	return aps_place_kind(vault->place);
}

bool aps_vault_is_available(const struct aps_vault *vault)
{
	return kind_of(vault) == APS_PLACE_FILE;
}

bool aps_vault_is_shared(const struct aps_vault *vault)
{
	return kind_of(vault) == APS_PLACE_FILE && vault->file.claim.slot != 0 && !vault->file.claim.is_alone;
}

bool aps_vault_leads(const struct aps_vault *vault)
{
	return kind_of(vault) != APS_PLACE_FILE || vault->file.claim.leads;
}

enum aps_rc aps_vault_fail_led(const struct aps_vault *vault, struct aps_err *err)
{
	return aps_claim_fail_led(&vault->file.claim, err);
}

static void take_opened(struct aps_vault *vault, const struct aps_opened_store *opened)
{
	vault->db = opened->db;
	vault->version = opened->version;
	vault->told = opened->generation;
	vault->base = NULL;
	vault->bulk.is_on = false;
	vault->level = vault->file.synchronous;
	vault->last_number = opened->last_number;
	vault->generation = opened->generation;
}

static void retry_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms)
{
	aps_vault_retry(APS_CONTAINER_OF(timer, struct aps_vault, retry), now_ms);
}

/* Another process that has claimed the file may end at any moment, or is to let go of it; else it takes longer and
 * longer. */
static void wait_on(struct aps_vault *vault, const struct aps_err *why, int64_t now_ms)
{
	bool is_claimed = (is_word(why, "locked") && why->native == 0) || vault->file.damage.code != APS_OK;
	int64_t next_ms = vault->wait_ms == 0 || is_claimed ? FIRST_WAIT_MS : vault->wait_ms * 2;
	bool is_soon = next_ms < LAST_WAIT_MS && (is_claimed || !is_word(why, "corrupt"));
	vault->wait_ms = is_soon ? next_ms : LAST_WAIT_MS;
	vault->retry.due = retry_due;
	if (vault->timers != NULL) aps_timer_set(vault->timers, &vault->retry, now_ms + vault->wait_ms);
}

/* What was open is closed before. */
static void move_to_memory(struct aps_vault *vault, const struct aps_err *why)
{
	struct aps_err err;
	struct aps_opened_store opened;
	vault->base = vault->db = NULL;
	vault->trouble = *why;
	vault->place = new_place(APS_PLACE_MEMORY);
	if (aps_store_file_open_memory(vault->place, vault->generation, &opened, &err) == APS_OK)
		take_opened(vault, &opened);
	aps_store_file_tell(&vault->file, "error", "can't be used (%s): what is cached is kept in memory until it can",
	                    why->msg);
	vault->wait_ms = 0;
	wait_on(vault, why, aps_clock_mono_ms());
}

/* What is in memory ends with the process anyway. */
static enum aps_rc set_level(struct aps_vault *vault, struct aps_err *err)
{
	bool is_synced = vault->is_durable && vault->file.synchronous != APS_DB_SYNC_OFF;
	enum aps_db_sync level = is_synced ? APS_DB_SYNC_FULL : vault->file.synchronous;
	if (level == vault->level || aps_db_is_in_memory(vault->db)) return APS_OK;
	enum aps_rc rc = aps_db_set_synchronous(vault->db, level, err);
	if (rc == APS_OK) vault->level = level;
	return rc;
}

/* What is in memory has all of it there, and no log. */
static enum aps_rc set_bulk(struct aps_vault *vault, struct aps_err *err)
{
	if (aps_db_is_in_memory(vault->db)) return APS_OK;
	return aps_db_set_bulk(vault->db, &vault->bulk, vault->n_bulks != 0, err);
}

static void abort_turn(struct aps_vault *vault);

/* There are some, as it turns out before the next look at them. */
static void meet_others(struct aps_vault *vault)
{
	if (!vault->has_others) aps_store_file_be_patient(vault->db, true);
	vault->has_others = true;
}

static enum aps_rc read_numbers(struct aps_vault *vault, struct aps_err *err)
{
	enum aps_rc rc = aps_counters_generation(vault->db, &vault->generation, err);
	return rc == APS_OK ? aps_counters_last_number(vault->db, &vault->last_number, err) : rc;
}

static void forget_telling(struct aps_vault *vault)
{
	vault->tells = false;
	vault->telling = (struct aps_told){.bits = {0}};
}

enum aps_rc aps_vault_drop_known(struct aps_vault *vault, bool is_own, struct aps_err *err)
{
	bool is_other = false;
	enum aps_rc rc = read_numbers(vault, err);
	if (rc == APS_OK && !is_own)
		rc = aps_counters_told(vault->db, vault->told, &vault->others_telling, &vault->others_told, err);
	for (struct aps_vault_part *part = vault->parts; rc == APS_OK && part != NULL; part = part->next)
		if (part->overtaken != NULL) rc = part->overtaken(part, is_own, &is_other, err);
	vault->n_overtaken++;
	if (is_other) aps_vault_rename(vault);
	vault->others_told = false;
	if (rc == APS_OK && !is_own) vault->told = vault->generation; /* else some of them don't know it yet */
	return rc;
}

/* What fails is done once more by the next transaction. */
static enum aps_rc heed_others(struct aps_vault *vault, struct aps_err *err)
{
	uint32_t version = aps_db_version(vault->db);
	if (!aps_vault_is_shared(vault) || version == vault->version) return APS_OK;
	meet_others(vault);
	enum aps_rc rc = aps_vault_drop_known(vault, false, err);
	if (rc == APS_OK)
		vault->version = version;
	else
		abort_turn(vault);
	return rc;
}

/* Whoever keeps the file locked has it as this process does, and has come since the last look. */
static bool is_met_now(struct aps_vault *vault)
{
	if (!aps_vault_is_shared(vault) || vault->has_others || !aps_claim_has_others(&vault->file.claim)) return false;
	meet_others(vault);
	return true;
}

static enum aps_rc begin_blindly(struct aps_vault *vault, struct aps_err *err)
{
	if (vault->db == NULL) return aps_fail(err, APS_E_NOMEM, "no memory for what is to be kept");
	enum aps_rc rc = set_level(vault, err);
	if (rc == APS_OK) rc = set_bulk(vault, err);
	if (rc == APS_OK) rc = aps_db_begin(vault->db, err);
	if (rc != APS_OK && is_word(err, "locked") && is_met_now(vault)) rc = aps_db_begin(vault->db, err);
	vault->is_writing = rc == APS_OK;
	return rc;
}

static enum aps_rc begin(struct aps_vault *vault, struct aps_err *err)
{
	enum aps_rc rc = begin_blindly(vault, err);
	return rc == APS_OK ? heed_others(vault, err) : rc;
}

static void roll_back(struct aps_vault *vault)
{
	uint32_t version = aps_db_version(vault->db);
	bool is_known = vault->version == version;
	aps_db_rollback(vault->db);
	if (is_known) vault->version = aps_db_version(vault->db);
}

static void abort_turn(struct aps_vault *vault)
{
	if (vault->db != NULL) roll_back(vault);
	vault->is_writing = vault->is_durable = vault->is_urgent = false;
	forget_telling(vault);
}

/* Where a part can't follow there is no store for it, and none for the others either: what they have is in the same
 * transaction. */
static enum aps_rc move_parts(struct aps_vault *vault, bool keeps, struct aps_err *err)
{
	enum aps_rc rc = begin_blindly(vault, err);
	if (rc == APS_OK && aps_vault_is_shared(vault)) rc = read_numbers(vault, err);
	if (rc == APS_OK) vault->version = aps_db_version(vault->db);
	for (struct aps_vault_part *part = vault->parts; rc == APS_OK && part != NULL; part = part->next)
		rc = part->moved(part, keeps, err);
	return rc;
}

static void leave_store(struct aps_vault *vault)
{
	struct aps_err err;
	abort_turn(vault);
	aps_db_close(vault->db);
	aps_db_close(vault->base);
	vault->db = vault->base = NULL;
	for (struct aps_vault_part *part = vault->parts; part != NULL; part = part->next)
		part->moved(part, false, &err);
}

/* Nothing of what was known holds. Without memory there is nothing to be kept until the next try. */
static void begin_anew(struct aps_vault *vault)
{
	struct aps_err err;
	if (vault->parts == NULL || move_parts(vault, false, &err) == APS_OK) return;
	if (kind_of(vault) == APS_PLACE_FILE) {
		abort_turn(vault);
		aps_db_close(vault->db);
		move_to_memory(vault, &err);
		if (move_parts(vault, false, &err) == APS_OK) return;
	}
	leave_store(vault);
	wait_on(vault, &err, aps_clock_mono_ms());
}

static void settle_in_file(struct aps_vault *vault, uint64_t place)
{
	vault->place = place;
	vault->trouble.code = vault->lost.code = APS_OK;
	vault->wait_ms = 0;
	vault->is_suspect = vault->is_doubted = vault->is_lost = false; /* that was another one */
	aps_store_file_share(&vault->file);
	if (vault->timers == NULL) return;
	aps_timer_stop(vault->timers, &vault->retry);
	if (vault->look.due != NULL) (void)aps_timer_set(vault->timers, &vault->look, aps_clock_mono_ms());
}

bool aps_vault_leave(struct aps_vault *vault, const struct aps_err *why)
{
	abort_turn(vault);
	if (is_word(why, "corrupt"))
		aps_db_abandon(vault->db);
	else
		aps_store_file_close(&vault->file, vault->db);
	if (vault->descriptors != NULL) aps_descriptors_remove(vault->descriptors, &vault->door);
	aps_store_file_let_go(&vault->file, is_word(why, "corrupt") ? why : NULL);
	vault->full_ms = 0;
	move_to_memory(vault, why);
	begin_anew(vault);
	return vault->db != NULL;
}

/* False: others have it. */
static bool is_alone(struct aps_vault *vault)
{
	struct aps_err err;
	return !aps_vault_is_shared(vault) || aps_claim_alone(&vault->file.claim, &err) == APS_OK;
}

/* The damaged file is set aside whatever lies over it. */
static bool replace_file(struct aps_vault *vault, const struct aps_err *why)
{
	struct aps_err err;
	struct aps_opened_store opened;
	bool is_over = kind_of(vault) == APS_PLACE_OVER;
	if (!is_alone(vault)) return aps_vault_leave(vault, why);
	abort_turn(vault);
	if (is_over) aps_db_close(vault->db);
	aps_db_abandon(is_over ? vault->base : vault->db);
	vault->db = vault->base = NULL;
	vault->full_ms = 0;
	enum aps_rc rc = aps_store_file_set_aside(&vault->file, why, &err);
	if (rc == APS_OK) rc = aps_store_file_open(&vault->file, vault->generation, &opened, &err);
	if (rc == APS_OK) {
		take_opened(vault, &opened);
		settle_in_file(vault, new_place(APS_PLACE_FILE));
	} else {
		move_to_memory(vault, &err);
	}
	begin_anew(vault);
	return vault->db != NULL;
}

/* SQLite also calls a file full where a damaged page number is larger than any that it can have. */
static void note_full(struct aps_vault *vault, const struct aps_err *why)
{
	if (!is_word(why, "full")) return;
	int64_t now_ms = aps_clock_mono_ms();
	vault->is_doubted = vault->full_ms != 0 && now_ms - vault->full_ms < DOUBT_MS;
	vault->full_ms = now_ms;
}

/* Writes go to memory from now on. Without memory the turn is lost, and the file is as it was. */
static bool move_over_file(struct aps_vault *vault, const struct aps_err *why)
{
	struct aps_err err;
	struct aps_opened_store memory;
	struct aps_db *file = vault->db;
	uint64_t place = new_place(APS_PLACE_OVER);
	char name[APS_PLACE_NAME_BYTES];
	if (!is_alone(vault)) return aps_vault_leave(vault, why);
	abort_turn(vault);
	aps_place_name(place, name);
	enum aps_rc rc = aps_store_file_open_memory(place, vault->generation, &memory, &err);
	if (rc == APS_OK) rc = aps_carry_begin(file, name, &err);
	if (rc != APS_OK) {
		aps_db_close(memory.db);
		if (is_word(&err, "corrupt")) return replace_file(vault, &err);
		aps_vault_abandon(vault); /* all that the turn has written so far, whoever did */
		aps_store_file_share(&vault->file);
		return false;
	}
	aps_db_set_base(memory.db, file);
	aps_db_set_slot(memory.db, aps_db_slot(file));
	vault->db = memory.db;
	vault->base = file;
	vault->place = place;
	if (move_parts(vault, true, &err) == APS_OK) {
		aps_store_file_tell(&vault->file, "error",
		                    "can't be written (%s): what is cached is kept in memory until it can", why->msg);
		vault->trouble = *why;
		vault->wait_ms = 0;
		note_full(vault, why);
		wait_on(vault, why, aps_clock_mono_ms());
		return true;
	}
	abort_turn(vault);
	aps_db_close(memory.db);
	vault->db = file;
	vault->base = NULL;
	settle_in_file(vault, new_place(APS_PLACE_FILE));
	begin_anew(vault);
	return false;
}

bool aps_vault_cope(struct aps_vault *vault, const struct aps_err *why)
{
	bool is_of_file = why->code == APS_E_STORAGE && (why->word != NULL || why->native != 0);
	if (!is_of_file || kind_of(vault) == APS_PLACE_MEMORY) return false;
	if (is_word(why, "corrupt")) return replace_file(vault, why);
	if (is_word(why, "missing") && kind_of(vault) == APS_PLACE_FILE) { /* readers wouldn't find what lies below */
		vault->is_lost = true;
		return aps_vault_leave(vault, why);
	}
	return kind_of(vault) == APS_PLACE_FILE && move_over_file(vault, why);
}

void aps_vault_damaged(struct aps_vault *vault, uint64_t place)
{
	struct aps_err why, err;
	if (place != vault->place || kind_of(vault) == APS_PLACE_MEMORY) return;
	aps_vault_commit(vault, &err);
	if (place != vault->place) return;
	aps_fail_word(&why, APS_E_STORAGE, "corrupt", 0, "a record can't be read");
	replace_file(vault, &why);
}

void aps_vault_suspect(struct aps_vault *vault, const struct aps_err *why)
{
	if (!is_word(why, "corrupt") || vault->timers == NULL) return;
	vault->is_suspect = true;
	vault->retry.due = retry_due;
	aps_timer_set(vault->timers, &vault->retry, aps_clock_mono_ms());
}

static bool bring_back(struct aps_vault *vault, struct aps_err *err)
{
	struct aps_err of_parts;
	struct aps_db *memory = vault->db;
	bool is_done;
	char name[APS_PLACE_NAME_BYTES];
	if (aps_store_file_check_there(&vault->file, vault->base, err) != APS_OK) return false;
	if (vault->is_doubted && aps_db_check(vault->base, err) != APS_OK) return false;
	aps_place_name(vault->place, name);
	aps_db_truncate_log(vault->base, &is_done, NULL); /* where there was no room, the log may have taken it */
	if (aps_carry_back(vault->base, name, err) != APS_OK) return false;
	vault->db = vault->base;
	vault->base = NULL;
	settle_in_file(vault, new_place(APS_PLACE_FILE));
	if (move_parts(vault, true, &of_parts) != APS_OK) begin_anew(vault);
	aps_db_close(memory);
	return true;
}

enum aps_rc aps_vault_dropped(struct aps_vault *vault, const char *prefix, const char *identity, enum aps_part_drop how,
                              struct aps_err *err)
{
	if (kind_of(vault) != APS_PLACE_MEMORY) return APS_OK; /* its row says so */
	return aps_drops_add(&vault->drops, prefix, identity, how, err);
}

static bool go_back(struct aps_vault *vault, struct aps_err *err)
{
	struct aps_opened_store file;
	struct aps_db *memory = vault->db;
	char name[APS_PLACE_NAME_BYTES];
	aps_place_name(vault->place, name);
	if (vault->is_lost && !aps_db_is_there(vault->file.path)) {
		*err = vault->trouble;
		return false;
	}
	enum aps_rc rc = aps_store_file_open(&vault->file, vault->generation, &file, err);
	if (rc == APS_OK) rc = aps_drops_repeat(&vault->drops, file.db, err);
	if (rc == APS_OK && memory != NULL) rc = aps_carry_stale(file.db, name, err);
	if (rc == APS_OK) rc = aps_counters_catch_up(file.db, &file.generation, err);
	if (rc != APS_OK) {
		aps_db_close(file.db);
		return false;
	}
	aps_db_close(memory);
	aps_buf_clear(&vault->drops);
	take_opened(vault, &file);
	settle_in_file(vault, new_place(APS_PLACE_FILE));
	begin_anew(vault);
	return true;
}

/* Others may have been there meanwhile: what lies over the file doesn't fit any more. */
static void leave_from_above(struct aps_vault *vault, const struct aps_err *why)
{
	abort_turn(vault);
	aps_db_close(vault->db);
	vault->db = vault->base;
	vault->base = NULL;
	vault->is_lost = true;
	(void)aps_vault_leave(vault, why);
}

void aps_vault_retry(struct aps_vault *vault, int64_t now_ms)
{
	struct aps_err err;
	enum aps_place_kind kind = kind_of(vault);
	if (vault->is_suspect) {
		vault->is_suspect = false;
		aps_vault_damaged(vault, vault->place);
		return;
	}
	if (kind == APS_PLACE_FILE) return;
	aps_vault_commit(vault, &err);
	if (kind != kind_of(vault)) return;
	bool is_back = kind == APS_PLACE_OVER ? bring_back(vault, &err) : go_back(vault, &err);
	if (is_back)
		aps_store_file_tell(&vault->file, "info", "can be used again");
	else if (kind == APS_PLACE_OVER && is_word(&err, "corrupt"))
		replace_file(vault, &err);
	else if (kind == APS_PLACE_OVER && is_word(&err, "missing") && !aps_db_is_moved(vault->base))
		leave_from_above(vault, &err);
	else
		wait_on(vault, &err, now_ms);
}

/* True: it is as empty as it can be. */
static bool fold(struct aps_vault *vault)
{
	struct aps_err err;
	bool is_done = false;
	enum aps_rc rc = aps_db_set_bulk(vault->db, &vault->bulk, false, &err);
	if (rc == APS_OK) rc = aps_db_truncate_log(vault->db, &is_done, &err);
	if (rc != APS_OK) aps_vault_suspect(vault, &err);
	return is_done || rc != APS_OK;
}

/* Between two transactions. Once a file that isn't used is used again, what is written then folds it. */
static void fold_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms)
{
	struct aps_vault *vault = APS_CONTAINER_OF(timer, struct aps_vault, fold);
	if (vault->n_bulks != 0 || kind_of(vault) != APS_PLACE_FILE) return;
	if ((vault->is_writing || !fold(vault)) && vault->n_folds++ < MAX_FOLDS)
		(void)aps_timer_set(vault->timers, timer, now_ms + FOLD_MS);
}

void aps_vault_begin_bulk(struct aps_vault *vault)
{
	vault->n_bulks++;
}

void aps_vault_end_bulk(struct aps_vault *vault)
{
	if (--vault->n_bulks != 0 || !vault->bulk.is_on || vault->timers == NULL) return;
	vault->n_folds = 0;
	vault->fold.due = fold_due;
	(void)aps_timer_set(vault->timers, &vault->fold, aps_clock_mono_ms());
}

static void free_vault(struct aps_vault *vault)
{
	if (vault->descriptors != NULL) aps_descriptors_remove(vault->descriptors, &vault->door);
	struct aps_timer *timers[] = {&vault->look, &vault->retry, &vault->fold};
	for (size_t i = 0; vault->timers != NULL && i < 3; i++) aps_timer_stop(vault->timers, timers[i]);
	if (vault->db != NULL && kind_of(vault) == APS_PLACE_FILE) /* a simulation's connection is kept */
		(void)aps_db_set_bulk(vault->db, &vault->bulk, false, NULL);
	if (vault->base != NULL) aps_db_close(vault->db);
	aps_store_file_close(&vault->file, vault->base != NULL ? vault->base : vault->db);
	aps_buf_clear(&vault->drops);
	aps_store_file_clear(&vault->file);
	aps_free(vault);
}

static void open_vault(struct aps_vault *vault)
{
	struct aps_err err;
	struct aps_opened_store opened;
	if (aps_store_file_open(&vault->file, 0, &opened, &err) == APS_OK) {
		take_opened(vault, &opened);
		settle_in_file(vault, opened.is_new ? new_place(APS_PLACE_FILE) : 0);
	} else {
		move_to_memory(vault, &err);
	}
}

struct aps_vault *aps_vault_open(struct aps_vaults *vaults, const struct aps_store_options *options,
                                 struct aps_err *err)
{
	struct aps_vault *vault = vaults->first;
	while (vault != NULL && strcmp(vault->file.path, options->path) != 0) vault = vault->next;
	if (vault != NULL) {
		vault->n_refs++;
		return vault;
	}
	vault = aps_calloc(1, sizeof *vault);
	if (vault == NULL || aps_store_file_init(&vault->file, options, err) != APS_OK) {
		aps_free(vault);
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	vault->timers = options->path[0] != '\0' ? vaults->timers : NULL;
	vault->descriptors = vaults->descriptors;
	vault->file.is_private = options->is_private || aps_db_simulation_vfs(options->path) != NULL;
	aps_buf_init(&vault->drops, APS_BUF_ANY_SIZE);
	open_vault(vault);
	vault->n_refs = 1;
	vault->next = vaults->first;
	vaults->first = vault;
	return vault;
}

void aps_vault_close(struct aps_vaults *vaults, struct aps_vault *vault)
{
	if (--vault->n_refs != 0) return;
	struct aps_vault **at = &vaults->first;
	while (*at != vault) at = &(*at)->next;
	*at = vault->next;
	aps_vault_retry(vault, 0); /* what is in memory only is gone then */
	free_vault(vault);
}

static enum aps_rc begin_turn(struct aps_vault *vault, struct aps_err *err)
{
	enum aps_rc rc = begin(vault, err);
	if (rc == APS_OK || !aps_vault_cope(vault, err)) return rc;
	return vault->is_writing ? APS_OK : begin(vault, err);
}

enum aps_rc aps_vault_view(struct aps_vault *vault, struct aps_err *err)
{
	aps_db_set_patience(vault->db, 0);
	enum aps_rc rc = begin(vault, err);
	if (rc == APS_OK) abort_turn(vault);
	aps_store_file_be_patient(vault->db, vault->has_others);
	return rc;
}

enum aps_rc aps_vault_begin(struct aps_vault *vault, struct aps_err *err)
{
	return vault->is_writing ? APS_OK : begin_turn(vault, err);
}

/* What has failed meanwhile may have moved the store, with the transaction open: not a durable one. */
enum aps_rc aps_vault_begin_durable(struct aps_vault *vault, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (int i = 0; i < 2 && rc == APS_OK && !(vault->is_writing && vault->is_durable); i++) {
		rc = aps_vault_commit(vault, err);
		vault->is_durable = rc == APS_OK;
		if (rc == APS_OK) rc = begin_turn(vault, err);
	}
	if (!vault->is_writing) vault->is_durable = false;
	if (rc != APS_OK || (vault->is_writing && vault->is_durable)) return rc;
	return aps_fail(err, APS_E_STORAGE, "the store has moved twice");
}

void aps_vault_add(struct aps_vault *vault, struct aps_vault_part *part)
{
	part->next = vault->parts;
	vault->parts = part;
}

void aps_vault_remove(struct aps_vault *vault, struct aps_vault_part *part)
{
	struct aps_vault_part **at = &vault->parts;
	while (*at != part) at = &(*at)->next;
	*at = part->next;
}

/* What was said to be lost isn't found by a later run; where that can't be helped it isn't said so plainly. */
static enum aps_rc commit_transaction(struct aps_vault *vault, struct aps_err *err)
{
	struct aps_err other;
	bool is_durable = vault->level == APS_DB_SYNC_FULL && kind_of(vault) == APS_PLACE_FILE;
	if (is_durable && aps_store_file_check_there(&vault->file, vault->db, err) != APS_OK) {
		aps_db_rollback(vault->db);
		return err->code;
	}
	enum aps_rc rc = aps_db_commit(vault->db, err);
	if (rc == APS_OK) vault->version = aps_db_version(vault->db);
	if (rc == APS_OK || !aps_db_is_unsynced(err)) return rc;
	vault->level = APS_DB_SYNC_NORMAL;
	if (aps_db_take_back(vault->db, &other) == APS_OK) return rc;
	char why[sizeof err->msg];
	snprintf(why, sizeof why, "%s", err->msg);
	return aps_fail_word(err, rc, err->word, err->native,
	                     "%s; a run that begins before the disk works again may find what was written", why);
}

static enum aps_rc commit(struct aps_vault *vault, uint64_t *generation, struct aps_err *err)
{
	struct aps_vault_part *part;
	enum aps_rc rc = APS_OK;
	for (part = vault->parts; rc == APS_OK && part != NULL; part = part->next) rc = part->finish(part, err);
	if (rc == APS_OK) rc = aps_counters_advance(vault->db, vault->last_number, generation, err);
	if (rc == APS_OK && vault->tells && aps_vault_is_shared(vault)) /* who has just come isn't known yet */
		rc = aps_counters_set_told(vault->db, *generation, vault->has_others ? &vault->telling : NULL, err);
	for (part = vault->parts; rc == APS_OK && part != NULL; part = part->next) part->announce(part, *generation);
	if (rc == APS_OK) rc = commit_transaction(vault, err);
	vault->is_writing = rc != APS_OK;
	if (rc != APS_OK) return rc;
	vault->generation = vault->told = *generation;
	forget_telling(vault);
	aps_neighbours_knock(&vault->file.neighbours, vault->is_urgent ? APS_KNOCK_URGENT : 0);
	vault->is_durable = vault->is_urgent = false;
	return rc;
}

void aps_vault_abandon(struct aps_vault *vault)
{
	abort_turn(vault);
	aps_fail(&vault->lost, APS_E_STORAGE, "something else that was written with it failed");
	for (struct aps_vault_part *part = vault->parts; part != NULL; part = part->next) part->failed(part);
}

void aps_vault_rename(struct aps_vault *vault)
{
	if (kind_of(vault) != APS_PLACE_FILE) return;
	vault->place = new_place(APS_PLACE_FILE);
	for (struct aps_vault_part *part = vault->parts; part != NULL; part = part->next)
		if (part->renamed != NULL) part->renamed(part);
}

enum aps_rc aps_vault_commit(struct aps_vault *vault, struct aps_err *err)
{
	uint64_t generation;
	if (!vault->is_writing) return APS_OK;
	enum aps_rc rc = commit(vault, &generation, err);
	if (rc != APS_OK && aps_vault_cope(vault, err)) rc = commit(vault, &generation, err);
	if (rc != APS_OK) {
		aps_vault_abandon(vault);
		vault->lost = *err;
	}
	for (struct aps_vault_part *part = vault->parts; rc == APS_OK && part != NULL; part = part->next)
		part->committed(part, generation);
	return rc;
}
