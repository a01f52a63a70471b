/* Counters of one client: written by the core thread, read by the application at any time. */
#ifndef APS_CLIENT_STATS_H
#define APS_CLIENT_STATS_H

#include "base/macros.h"

#include <stdatomic.h>

#define APS_STATS_MAP(X)                                                                                               \
	X(operations)                                                                                                  \
	X(requests)                                                                                                    \
	X(deduplicated)                                                                                                \
	X(retries)                                                                                                     \
	X(errors)                                                                                                      \
	X(bytes_sent)                                                                                                  \
	X(bytes_received)                                                                                              \
	X(token_refreshes)                                                                                             \
	X(connections)                                                                                                 \
	X(reconnects)                                                                                                  \
	X(messages)                                                                                                    \
	X(events)                                                                                                      \
	X(dropped_events)                                                                                              \
	X(protocol_notices)                                                                                            \
	X(records_collected)                                                                                           \
	X(store_failures)                                                                                              \
	X(queued)                                                                                                      \
	X(operations_in_flight)                                                                                        \
	X(subscriptions)                                                                                               \
	X(sockets)

/* What becomes of a client's store. X(name, text) */
#define APS_STORE_STATE_MAP(X)                                                                                         \
	X(NONE, NULL)                 /* there is none, or not yet */                                                  \
	X(OPEN, "open")               /* in its file */                                                                \
	X(MEMORY, "memory")           /* for this process only */                                                      \
	X(UNAVAILABLE, "unavailable") /* its file can't be used: nothing outlives the process */

enum aps_store_state {
#define APS_STORE_STATE_ENUM(name, text) APS_STORE_##name,
	APS_STORE_STATE_MAP(APS_STORE_STATE_ENUM)
#undef APS_STORE_STATE_ENUM
};

struct aps_stats {
	atomic_size_t n_refs;
	atomic_uint store;                /* enum aps_store_state */
	_Atomic(const char *) store_code; /* why it is unavailable: static text; NULL: no word for it */
#define APS_STATS_FIELD(name) atomic_ullong name;
	APS_STATS_MAP(APS_STATS_FIELD)
#undef APS_STATS_FIELD
};

#define APS_STATS_ADD(stats, name, n)                                                                                  \
	atomic_fetch_add_explicit(&(stats)->name, (unsigned long long)(n), memory_order_relaxed)
#define APS_STATS_SUB(stats, name, n)                                                                                  \
	atomic_fetch_sub_explicit(&(stats)->name, (unsigned long long)(n), memory_order_relaxed)

APS_BEGIN_DECLS

/* NULL: there is none. */
const char *aps_store_state_name(enum aps_store_state state);

struct aps_stats *aps_stats_new(void); /* one reference */
struct aps_stats *aps_stats_ref(struct aps_stats *stats);
void aps_stats_unref(struct aps_stats *stats); /* NULL is legal */

APS_END_DECLS

#endif
