/* Gathers the events of one turn of the realtime thread into one hand-over. @thread net */
#ifndef APS_NET_WS_BATCH_H
#define APS_NET_WS_BATCH_H

#include "base/buf.h"
#include "net/ws.h"

struct aps_ws_gather {
	struct aps_ws_sink sink;
	struct aps_buf bytes; /* memory is kept from turn to turn */
	struct aps_ws_event *events;
	size_t n_events;
	size_t capacity;
	bool is_muted; /* the owner is going away: nothing is delivered any more */
	bool has_lost; /* memory was out and events were dropped: every connection must end */
};

APS_BEGIN_DECLS

void aps_ws_gather_init(struct aps_ws_gather *gather, struct aps_ws_sink sink);
void aps_ws_gather_clear(struct aps_ws_gather *gather);
/* Delivers what was gathered first where the batch would get too long. */
void aps_ws_gather_add(struct aps_ws_gather *gather, enum aps_ws_event_kind kind, uint64_t connection,
                       struct aps_str text);
/* LOOKED: it has no text. */
void aps_ws_gather_look(struct aps_ws_gather *gather, uint64_t connection, int64_t read_at_ms);
void aps_ws_gather_flush(struct aps_ws_gather *gather);
/* Made when a connection begins, so that its end can be told even when memory is out. */
struct aps_ws_batch *aps_ws_batch_new_closed(uint64_t connection);
/* What was gathered, then the CLOSED batch, which it takes. */
void aps_ws_gather_close(struct aps_ws_gather *gather, struct aps_ws_batch *closed, const struct aps_err *err);

APS_END_DECLS

#endif
