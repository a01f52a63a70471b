/* A service with a table of records, a journal of their changes, and what a base and a delta query tell of them. Its
 * clock is the true one. */
#ifndef APS_SPEC_SYNC_SYNC_SERVICE_H
#define APS_SPEC_SYNC_SYNC_SERVICE_H

#include "base/rand.h"
#include "sync/sync_plan.h"

#include <stddef.h>

#define SERVICE_KEYS    10
#define SERVICE_CHANGES 1024
#define SERVICE_PAGE    64
#define SERVICE_TOKEN   48

/* A state of a record, as the service tells it. */
struct service_record {
	uint8_t key;
	bool is_deleted;
	uint32_t uid;       /* what it says: no two changes make the same; 0: it never was */
	uint32_t version;   /* 0: the service has none */
	int64_t changed_ms; /* 0: the service doesn't tell */
};

struct service_change {
	struct service_record record;
	int64_t made_ms;
};

struct service_page {
	size_t n;
	struct service_record records[SERVICE_PAGE];
	char token[SERVICE_TOKEN]; /* empty: there is no page behind it */
	int64_t made_ms;
};

/* How it was built. */
struct service_manner {
	bool has_versions;
	bool tells_changes;      /* when a record was changed; else versions never begin anew */
	bool raises_at_deletion; /* the version of a deletion is a new one */
	bool lists_deleted;      /* by the base query, as long as they are remembered */
	bool forgets_versions;   /* what is made anew begins with version 1 */
	bool filters;            /* after the page was read: pages may be empty */
	bool journals_last;      /* only the last change of a record */
	bool journals_by_key;    /* not by time */
	bool counts_seconds;     /* of lastSync */
	bool tells_start;        /* startedAt: noted before anything is read */
	uint32_t max_page;       /* what it gives at most */
	uint32_t too_large;      /* a page of more takes too long; 0: none does */
	int64_t journal_ms;      /* how long a change is there */
	int64_t tombstone_ms;    /* how long a deletion is remembered in the table */
	int64_t token_ms;        /* how long a token is good */
};

struct sync_service {
	struct service_manner manner;
	struct service_record table[SERVICE_KEYS];
	struct service_change journal[SERVICE_CHANGES]; /* the oldest first; those that are over stay for the checks */
	size_t n_changes;
	uint32_t n_restarts; /* tokens of before aren't known any more */
};

void sync_service_init(struct sync_service *service, const struct service_manner *manner);
/* Makes, changes or deletes it. NULL: there is no room for more changes. */
const struct service_change *sync_service_change(struct sync_service *service, uint8_t key, bool deletes,
                                                 int64_t now_ms);
/* False: the token isn't known, or not any more. */
bool sync_service_base(const struct sync_service *service, const char *token, uint32_t size, int64_t now_ms,
                       struct service_page *page);
bool sync_service_delta(const struct sync_service *service, const char *token, int64_t last_sync_ms, uint32_t size,
                        int64_t now_ms, struct service_page *page);
/* The last change of it; NULL: there was none. */
const struct service_change *sync_service_last(const struct sync_service *service, uint8_t key);

#endif
