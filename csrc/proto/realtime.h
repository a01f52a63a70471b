/* One realtime connection as a pure machine: AppSync's protocol (AppSync Developer Guide, "Building a Real-Time
 * WebSocket Client") or graphql-transport-ws (the PROTOCOL.md of enisdenjo/graphql-ws).
 * Inputs are function calls with the time; after each of them the owner takes all actions with aps_realtime_next().
 * It knows no socket: the owner opens, writes and closes, and says what happened. It knows no secrets: the owner builds
 * the texts that carry them. It owns reconnecting, its backoff, acknowledgement and keep-alive deadlines, idle close.
 *
 * One connection at a time: what an earlier connection still has to say after the next DO_CONNECT (its frames, its
 * closing) is the owner's to drop. A DO_CLOSE may name a connection that isn't open any more.
 *
 * When it gives up. Refusals and timeouts of the connection: never, the states tell; or after reconnect.n_attempts
 * attempts in a row that served no subscription, where that isn't 0: then all end with the last error. Refused
 * authentication: the owner decides, until fresh material was refused 5 times (AUTH_REFUSED with is_final). Before the
 * first connection_ack of the machine's life, a wrong certificate or host name (E_TLS, not retryable), a proxy that
 * opens no tunnel (E_NETWORK, not retryable), a wrong sub-protocol (E_PROTOCOL), what the system refuses (E_SYSTEM), an
 * upgrade answered with 2xx to 4xx other than 408, 425 and 429 (E_HTTP), and connection_error with such a code or with
 * …NotFound… end all subscriptions; later they are retried. connection_error with 400 or BadRequest…, and the close
 * codes 4400 and 4406 of graphql-transport-ws, always end them.
 *
 * One subscription ends alone when its start was refused with fresh material 5 times, limited 8 times or not
 * acknowledged 5 times in a row, and when a message that can't be read or is too big names it. These counts fall to 0
 * when it lived 10 s after its start. A start that isn't acknowledged in time drops the connection only where nothing
 * at all arrived since it was sent; beside live subscriptions it is sent a second time before.
 *
 * Delays: full jitter below base * 2^n, n failures in a row, within the limits of an outage (base/backoff.h), which
 * began when a connection was last any good; without them where the service talks nonsense. n falls to 0 when a
 * connection lived 10 s after its acknowledgement, and by a hint; one that acknowledged a start but lived shorter keeps
 * n at 5 or less, unless it sent broken messages. */
#ifndef APS_PROTO_REALTIME_H
#define APS_PROTO_REALTIME_H

#include "base/rand.h"
#include "proto/realtime_action.h"
#include "proto/realtime_options.h"

struct aps_realtime;

APS_BEGIN_DECLS

/* `rand` is borrowed (ids and jitter). NULL when memory is out. */
struct aps_realtime *aps_realtime_new(const struct aps_realtime_options *options, struct aps_rand *rand);
void aps_realtime_free(struct aps_realtime *rt);

/* Subscriptions: `sub` is the owner's number, not 0. The first one makes the machine connect. E_NOMEM. */
enum aps_rc aps_realtime_add(struct aps_realtime *rt, uint64_t sub, int64_t now_ms);
/* Sends `stop` where the service knows of it. Unknown numbers are ignored: late calls are legal. */
void aps_realtime_remove(struct aps_realtime *rt, uint64_t sub, int64_t now_ms);
size_t aps_realtime_n_subscriptions(const struct aps_realtime *rt);
/* Answers DO_START: `payload` is the JSON of the message's payload member: {"data":"…","extensions":{…}} for AppSync,
 * {"query":…} for graphql-transport-ws. Ignored where the connection has gone meanwhile (it will ask again). */
void aps_realtime_start(struct aps_realtime *rt, uint64_t sub, struct aps_str payload, int64_t now_ms);
/* Ends one subscription with an error: the owner can't build its start, or gives up after AUTH_REFUSED. */
void aps_realtime_end(struct aps_realtime *rt, uint64_t sub, const struct aps_err *err, int64_t now_ms);
/* Ends all of them, and the connection. */
void aps_realtime_fail(struct aps_realtime *rt, const struct aps_err *err, int64_t now_ms);
/* Answers AUTH_REFUSED: connects or starts again. `is_fresh`: with material that wasn't refused yet, of the same
 * identity; what wasn't renewed, or is somebody else's, isn't counted. */
void aps_realtime_retry_auth(struct aps_realtime *rt, uint64_t sub, bool is_fresh, int64_t now_ms);

/* The transport. `init_payload`: JSON for connection_init's payload member (graphql-transport-ws), empty for none. */
void aps_realtime_opened(struct aps_realtime *rt, struct aps_str init_payload, int64_t now_ms);
void aps_realtime_text(struct aps_realtime *rt, struct aps_str frame, int64_t now_ms);
/* A message above the size ceiling; `head`: its first bytes. The subscription that it names ends, or else all. */
void aps_realtime_too_big(struct aps_realtime *rt, struct aps_str head, int64_t now_ms);
/* The last byte arrived silent_ms ago, maybe of a message that isn't whole yet. */
void aps_realtime_heard(struct aps_realtime *rt, int64_t silent_ms, int64_t now_ms);
/* Refused, lost, closed by the peer: err tells. E_USAGE and E_TOO_BIG (there can be no handshake) end it, E_AUTH (HTTP
 * 401/403 on the upgrade) is AUTH_REFUSED, but where it is retryable: then the owner has no material for a while. */
void aps_realtime_closed(struct aps_realtime *rt, const struct aps_err *err, int64_t now_ms);

/* The owner stopped or resumed reading (backpressure): the deadlines of what the service has to send wait with it.
 * Each connection begins unpaused. */
void aps_realtime_paused(struct aps_realtime *rt, bool is_paused, int64_t now_ms);
void aps_realtime_set_online(struct aps_realtime *rt, bool is_online, int64_t now_ms);
/* The network may be back: the next attempt comes within 100 ms, and the backoff begins anew; where one has just begun,
 * once that has failed. Ignored while it isn't online, and where nothing is waited for. */
void aps_realtime_hint(struct aps_realtime *rt, int64_t now_ms);
/* When aps_realtime_tick() wants to be called; -1: not at all. The owner tells what has arrived until then first: a
 * tick takes for silence what isn't told, even where nobody could look in time. */
int64_t aps_realtime_deadline_ms(const struct aps_realtime *rt);
void aps_realtime_tick(struct aps_realtime *rt, int64_t now_ms);
enum aps_conn_state aps_realtime_state(const struct aps_realtime *rt);

/* The next action; false when there is none. */
bool aps_realtime_next(struct aps_realtime *rt, struct aps_realtime_action *action);

/* When something came on its connection last. */
int64_t aps_realtime_life_ms(const struct aps_realtime *rt);

APS_END_DECLS

#endif
