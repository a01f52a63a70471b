#include "sync/sync_service.h"

#include <stdio.h>
#include <string.h>

void sync_service_init(struct sync_service *service, const struct service_manner *manner)
{
	memset(service->table, 0, sizeof service->table);
	service->manner = *manner;
	service->n_changes = 0;
	service->n_restarts = 0;
	for (uint8_t key = 0; key < SERVICE_KEYS; key++) service->table[key] = (struct service_record){.key = key};
}

static bool is_forgotten(const struct sync_service *service, const struct service_record *record, int64_t made_ms,
                         int64_t now_ms)
{
	return record->is_deleted && now_ms - made_ms > service->manner.tombstone_ms;
}

const struct service_change *sync_service_last(const struct sync_service *service, uint8_t key)
{
	for (size_t i = service->n_changes; i-- > 0;)
		if (service->journal[i].record.key == key) return &service->journal[i];
	return NULL;
}

static uint32_t next_version(const struct sync_service *service, const struct service_record *record, bool deletes,
                             int64_t now_ms)
{
	const struct service_change *last = sync_service_last(service, record->key);
	if (!service->manner.has_versions) return 0;
	if (deletes && !service->manner.raises_at_deletion) return record->version;
	if (!record->is_deleted || last == NULL) return record->version + 1;
	bool is_new = service->manner.forgets_versions || is_forgotten(service, record, last->made_ms, now_ms);
	return is_new && service->manner.tells_changes ? 1 : record->version + 1;
}

const struct service_change *sync_service_change(struct sync_service *service, uint8_t key, bool deletes,
                                                 int64_t now_ms)
{
	struct service_record *record = &service->table[key];
	bool is_there = record->uid != 0 && !record->is_deleted;
	if (service->n_changes == SERVICE_CHANGES || (deletes && !is_there)) return NULL;
	record->version = next_version(service, record, deletes, now_ms);
	record->is_deleted = deletes;
	record->changed_ms = service->manner.tells_changes ? now_ms : 0;
	record->uid = (uint32_t)service->n_changes + 1;
	struct service_change *change = &service->journal[service->n_changes++];
	*change = (struct service_change){*record, now_ms};
	return change;
}

/* "kind position made restarts" */
static void put_token(const struct sync_service *service, struct service_page *page, char kind, size_t at)
{
	snprintf(page->token, sizeof page->token, "%c %zu %lld %u", kind, at, (long long)page->made_ms,
	         service->n_restarts);
}

static bool take_token(const struct sync_service *service, const char *token, char kind, int64_t now_ms, size_t *at)
{
	long long made_ms;
	unsigned n_restarts;
	char is = '\0';
	*at = 0;
	if (token[0] == '\0') return true;
	if (sscanf(token, "%c %zu %lld %u", &is, at, &made_ms, &n_restarts) != 4 || is != kind) return false;
	return n_restarts == service->n_restarts && now_ms - made_ms <= service->manner.token_ms;
}

static bool is_listed(const struct sync_service *service, const struct service_record *record, int64_t now_ms)
{
	if (record->uid == 0) return false;
	if (!record->is_deleted) return true;
	int64_t made_ms = service->journal[record->uid - 1].made_ms;
	return service->manner.lists_deleted && !is_forgotten(service, record, made_ms, now_ms);
}

bool sync_service_base(const struct sync_service *service, const char *token, uint32_t size, int64_t now_ms,
                       struct service_page *page)
{
	size_t at;
	*page = (struct service_page){.made_ms = now_ms};
	if (size > service->manner.max_page) size = service->manner.max_page;
	if (!take_token(service, token, 'b', now_ms, &at)) return false;
	for (size_t n_read = 0; at < SERVICE_KEYS && n_read < size; at++) {
		const struct service_record *record = &service->table[at];
		bool is_there = is_listed(service, record, now_ms);
		n_read += is_there || service->manner.filters;
		if (is_there) page->records[page->n++] = *record;
	}
	if (at < SERVICE_KEYS) put_token(service, page, 'b', at);
	return true;
}

static bool is_told(const struct sync_service *service, const struct service_change *change, int64_t last_sync_ms,
                    int64_t now_ms)
{
	if (service->manner.counts_seconds) last_sync_ms -= last_sync_ms % 1000;
	if (change->made_ms < last_sync_ms || now_ms - change->made_ms > service->manner.journal_ms) return false;
	return !service->manner.journals_last || change == sync_service_last(service, change->record.key);
}

/* The journal's order: its changes by time, or by record and then by time. */
static const struct service_change *change_at(const struct sync_service *service, size_t at)
{
	if (!service->manner.journals_by_key) return at < service->n_changes ? &service->journal[at] : NULL;
	const size_t key = at / SERVICE_CHANGES, n = at % SERVICE_CHANGES;
	return key < SERVICE_KEYS && n < service->n_changes && service->journal[n].record.key == key
	               ? &service->journal[n]
	               : NULL;
}

bool sync_service_delta(const struct sync_service *service, const char *token, int64_t last_sync_ms, uint32_t size,
                        int64_t now_ms, struct service_page *page)
{
	const size_t end = service->manner.journals_by_key ? (size_t)SERVICE_KEYS * SERVICE_CHANGES : SERVICE_CHANGES;
	size_t at;
	*page = (struct service_page){.made_ms = now_ms};
	if (size > service->manner.max_page) size = service->manner.max_page;
	if (!take_token(service, token, 'd', now_ms, &at)) return false;
	for (; at < end; at++) {
		if (at % SERVICE_CHANGES >= service->n_changes) { /* nothing more of this key */
			at += SERVICE_CHANGES - 1 - at % SERVICE_CHANGES;
			continue;
		}
		const struct service_change *change = change_at(service, at);
		if (change == NULL || !is_told(service, change, last_sync_ms, now_ms)) continue;
		if (page->n == size) {
			put_token(service, page, 'd', at);
			return true;
		}
		page->records[page->n++] = change->record;
	}
	return true;
}
