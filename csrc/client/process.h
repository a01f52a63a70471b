/* Process-wide state, the only one of the project: what must be stopped at exit, the fork generation, the exit hook. */
#ifndef APS_CLIENT_PROCESS_H
#define APS_CLIENT_PROCESS_H

#include "client/claim.h"

/* What the exit hook stops: its threads must not run while exit handlers take libraries apart. */
struct aps_stoppable {
	/* False: a thread of it is stuck; call it again. @thread any */
	bool (*stop)(void *object, int64_t timeout_ms);
	void *object;
};

APS_BEGIN_DECLS

/* When the module is loaded: pins it, and keeps OpenSSL whole at exit. @thread app */
void aps_process_load(void);
/* Once: initializes libcurl, registers the fork and exit hooks (in this order: the exit hook must run before libcurl's
 * own). @thread app */
enum aps_rc aps_process_init(struct aps_err *err);
/* Grows by one in each forked child. */
unsigned aps_process_generation(void);
/* What the exit hook will stop. False: there are too many. @thread app */
bool aps_process_add(struct aps_stoppable stoppable);
/* False: it isn't there, because the exit hook has taken it. Whoever has taken an object stops it. */
bool aps_process_take(const void *object);

/* Opens a lock file, made where there is none, for client/claim.h; until it is released, or this process ends in
 * whatever way. `store`: the file that it is for, whose owner and mode it gets; NULL: none, mode 0600. A child process
 * doesn't inherit what is held. It must be opened nowhere else: closing any descriptor of a file drops all of a
 * process's locks on it (fcntl(2), "Advisory record locking"). E_STORAGE: "locked" (this process has it), "readonly",
 * "full" or no word; E_SYSTEM. @thread any */
enum aps_rc aps_process_open_claim(const char *path, const char *store, struct aps_claim *claim, struct aps_err *err);
/* The same, and aps_claim_alone(). */
enum aps_rc aps_process_claim(const char *path, struct aps_claim *claim, struct aps_err *err);
/* Twice is legal. */
void aps_process_release(struct aps_claim *claim);

/* Opening a store to read it and moving one out of the way exclude each other: SQLite finds a store's log and its
 * shared memory by their names. False: there is nothing to end. Who moves waits for those who are just opening, which
 * takes a moment; who opens waits for nobody. @thread any */
bool aps_process_begin_opening(void);
void aps_process_end_opening(void);
bool aps_process_begin_moving(int64_t timeout_ms);
void aps_process_end_moving(void);

/* How many Lua states of this process count themselves under this name: counts one more or one less (1, -1), or only
 * tells (0). @thread any */
enum aps_state_group { APS_STATES_OF_HTTP, APS_STATES_OF_STREAMS, APS_STATE_GROUPS };
unsigned aps_process_count_states(enum aps_state_group group, int change);

/* True in nginx's processes, the master included. */
bool aps_process_is_nginx(void);

APS_END_DECLS

#endif
