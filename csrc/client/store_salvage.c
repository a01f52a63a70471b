#include "client/store_salvage.h"

#include "client/store_news.h"
#include "store/aside.h"
#include "store/aside_note.h"
#include "store/salvage.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NEWS_BYTES 320

void aps_store_salvage_prepare(const char *real)
{
	struct aps_buf endings;
	aps_buf_init(&endings, APS_BUF_ANY_SIZE);
	if (aps_aside_note_read(real, &endings, NULL) == APS_OK)
		for (size_t at = 0; at < endings.n; at += strlen(endings.p + at) + 1)
			aps_aside_undo_half(real, endings.p + at);
	aps_buf_clear(&endings);
}

/* "3 queued mutations were saved, 1 could not be read; " */
static size_t put_count(char *text, size_t n, const char *what, const struct aps_salvage_count *count)
{
	long long saved = (long long)count->n_copied, lost = (long long)count->n_damaged;
	bool is_open = count->n_stretches != 0;
	if (saved == 0 && lost == 0 && !is_open) return 0;
	if (saved == 0 && lost == 0) return (size_t)snprintf(text, n, "%ss could not be read; ", what);
	return (size_t)snprintf(text, n, "%lld %s%s saved, %lld could not be read%s; ", saved, what,
	                        saved == 1 ? " was" : "s were", lost, is_open ? ", and maybe more" : "");
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

static void tell(const struct aps_store_salvage *of, const char *name, const struct aps_salvage *salvage)
{
	char text[NEWS_BYTES];
	bool has_losses = aps_salvage_has_losses(salvage);
	if (!salvage->is_readable) {
		aps_store_news_add(of->news, of->path, "error",
		                   "could not be read for what was queued in it: if there was something, it is in %s",
		                   base_of(name));
		return;
	}
	size_t n = put_count(text, sizeof text, "queued mutation", &salvage->outbox);
	n += put_count(text + n, sizeof text - n, "dead letter", &salvage->dead_letters);
	n += put_count(text + n, sizeof text - n, "outcome", &salvage->outcomes);
	if (n == 0 && !has_losses) return;
	const char *end = salvage->is_log_open ? "the end of its log could not be read, and may have had more; " : "";
	const char *saved = n != 0 ? text : "something of its outbox could not be read; ";
	aps_store_news_add(of->news, of->path, has_losses ? "error" : "info", "was damaged: %s%sall of it is in %s",
	                   n == 0 && salvage->is_log_open ? "" : saved, end, base_of(name));
}

/* One that was never moved was found whole, or was moved under another name. */
static enum aps_rc copy_all(const struct aps_store_salvage *of, const struct aps_buf *endings, struct aps_db *db,
                            struct aps_buf *found, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t at = 0; rc == APS_OK && at < endings->n; at += strlen(endings->p + at) + 1) {
		struct aps_salvage salvage;
		struct aps_buf name;
		aps_buf_init(&name, APS_BUF_ANY_SIZE);
		aps_buf_addf(&name, "%s%s", of->real, endings->p + at);
		if (name.rc != APS_OK) return aps_fail(err, APS_E_NOMEM, "out of memory");
		if (access(name.p, F_OK) == 0) {
			rc = aps_salvage_run(name.p, db, &salvage, err);
			aps_buf_add(found, &salvage, sizeof salvage);
		} else {
			aps_buf_add(found, &(struct aps_salvage){.is_readable = true}, sizeof salvage);
		}
		aps_buf_clear(&name);
	}
	return rc == APS_OK && found->rc != APS_OK ? aps_fail(err, APS_E_NOMEM, "out of memory") : rc;
}

static enum aps_rc copy_durably(const struct aps_store_salvage *of, const struct aps_buf *endings, struct aps_db *db,
                                struct aps_buf *found, struct aps_err *err)
{
	bool is_synced = of->synchronous != APS_DB_SYNC_OFF;
	enum aps_rc rc = is_synced ? aps_db_set_synchronous(db, APS_DB_SYNC_FULL, err) : APS_OK;
	if (rc == APS_OK) rc = aps_db_begin(db, err);
	if (rc != APS_OK) return rc;
	rc = copy_all(of, endings, db, found, err);
	if (rc == APS_OK) rc = aps_db_commit(db, err);
	if (rc != APS_OK) aps_db_rollback(db);
	return rc == APS_OK && is_synced ? aps_db_set_synchronous(db, of->synchronous, err) : rc;
}

static void tell_all(const struct aps_store_salvage *of, const struct aps_buf *endings, const struct aps_buf *found)
{
	const struct aps_salvage *salvage = (const struct aps_salvage *)(const void *)found->p;
	for (size_t at = 0; at < endings->n; at += strlen(endings->p + at) + 1, salvage++) {
		char name[NEWS_BYTES];
		const char *base = base_of(of->real);
		snprintf(name, sizeof name, "%s%s", base, endings->p + at);
		tell(of, name, salvage);
	}
}

enum aps_rc aps_store_salvage_run(const struct aps_store_salvage *of, struct aps_db *db, struct aps_err *err)
{
	struct aps_buf endings, found;
	aps_buf_init(&endings, APS_BUF_ANY_SIZE);
	aps_buf_init(&found, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_aside_note_read(of->real, &endings, err);
	bool is_noted = rc == APS_OK && endings.n != 0;
	if (is_noted) rc = copy_durably(of, &endings, db, &found, err);
	if (is_noted && rc == APS_OK) rc = aps_aside_note_remove(of->real, err);
	if (is_noted && rc == APS_OK) tell_all(of, &endings, &found);
	aps_buf_clear(&found);
	aps_buf_clear(&endings);
	return rc;
}
