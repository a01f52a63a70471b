/* The application's end of the core: one runtime for each Lua state. It starts the core thread on first use, posts
 * commands and takes events. All functions are for the thread of that Lua state (@thread app) unless they say
 * otherwise. */
#ifndef APS_CLIENT_RUNTIME_H
#define APS_CLIENT_RUNTIME_H

#include "client/command.h"
#include "client/event.h"
#include "client/feature.h"

struct aps_runtime;

APS_BEGIN_DECLS

/* No thread yet. `features`: of the core; a list that ends with NULL and stays. */
struct aps_runtime *aps_runtime_new(const struct aps_feature *const *features, struct aps_err *err);
/* For a simulation, which is the core's thread and network: no thread is started, aps_runtime_drive() runs the turns.
 * NULL: *err says why. */
struct aps_runtime *aps_runtime_new_driven(const struct aps_feature *const *features, struct aps_err *err);
/* One turn of the core; see aps_core_drive(). */
int64_t aps_runtime_drive(struct aps_runtime *runtime);
/* The network of a driven runtime; NULL: it isn't one, or it was stopped. */
struct aps_simulated_http *aps_runtime_network(const struct aps_runtime *runtime);
/* Its WebSockets; NULL: there were none yet, or it has no such network. */
struct aps_simulated_ws *aps_runtime_sockets(const struct aps_runtime *runtime);
/* Stops the threads and frees; where a thread is stuck after timeout_ms (or after a fork) memory is left behind on
 * purpose. True when everything has ended. */
bool aps_runtime_free(struct aps_runtime *runtime, int64_t timeout_ms);
/* False in a child that was forked after the runtime was made. */
bool aps_runtime_is_usable(const struct aps_runtime *runtime);

/* Numbers of operations, subscriptions, credentials and clients: unique within the runtime, never 0. */
uint64_t aps_runtime_next_id(struct aps_runtime *runtime);
/* Gives the command away, also on failure; starts the core thread if need be. E_CLOSED, E_TOO_BIG (it begins something,
 * and too much is waiting), E_SYSTEM. */
enum aps_rc aps_runtime_post(struct aps_runtime *runtime, struct aps_command *command, struct aps_err *err);

/* Starts the core thread, which the first command does otherwise. E_CLOSED, E_USAGE, E_SYSTEM. */
enum aps_rc aps_runtime_start(struct aps_runtime *runtime, struct aps_err *err);
/* How many events subscriptions have missed while the core was suspended, those that were taken before not among them.
 */
uint64_t aps_runtime_take_missed(struct aps_runtime *runtime);

/* An event of the application's own side, given away: it is taken as those of the core. */
void aps_runtime_tell(struct aps_runtime *runtime, struct aps_event *event);
/* The next event, which the caller frees (head.mail.kind->free_mail); NULL when there is none. */
struct aps_event *aps_runtime_take(struct aps_runtime *runtime);
bool aps_runtime_has_events(const struct aps_runtime *runtime);
/* Blocks until events are there or the time is over (-1: never). */
bool aps_runtime_wait(struct aps_runtime *runtime, int64_t timeout_ms);
/* Readable while events wait, from the first call on: an outside loop watches it. */
int aps_runtime_fd(struct aps_runtime *runtime);
/* For a loop that opens its sockets itself: a path to connect to, then accept, and it is sent bytes where others find
 * the descriptor readable. E_SYSTEM. */
enum aps_rc aps_runtime_listen(struct aps_runtime *runtime, const char **path, struct aps_err *err);
enum aps_rc aps_runtime_accept(struct aps_runtime *runtime, struct aps_err *err);
/* It has read them all, and looks for events now. */
void aps_runtime_heard(struct aps_runtime *runtime);
/* Whoever watches looks for events, though there may be none. */
void aps_runtime_ring(struct aps_runtime *runtime);
/* Raises the descriptor after_ms from now too; -1: no more. */
enum aps_rc aps_runtime_arm(struct aps_runtime *runtime, int64_t after_ms, struct aps_err *err);

APS_END_DECLS

#endif
