/* A link's state: of link.c (its life), link_connect.c (the way to an open connection) and connections.c (which feed it
 * gets). */
#ifndef APS_CLIENT_LINK_STATE_H
#define APS_CLIENT_LINK_STATE_H

#include "client/connections.h"
#include "client/feed.h"
#include "client/link.h"
#include "client/time_question.h"
#include "proto/realtime.h"

#define APS_LINK_NOTICES 16

struct aps_link {
	struct aps_link *next; /* of the client's connections */
	struct aps_connections *all;
	struct aps_client *client;
	struct aps_realtime *machine;
	struct aps_timer timer;
	struct aps_table by_number; /* its feeds */
	struct aps_feed *feeds;     /* the same; the first opens the connection */
	struct aps_feed **feeds_tail;
	uint64_t identity; /* of the feed that came last, by aps_topic_identity() */
	size_t n_feeds;
	size_t max_feeds;
	uint64_t connection; /* what the realtime thread calls it; 0: no transport */
	struct aps_frame_sink frames;
	struct aps_answer_sink resolved;
	uint64_t resolving;      /* exchange that looks up the address; 0: none */
	struct aps_lease lease;  /* of whom it connects as: the oldest feed's */
	struct aps_secrets sent; /* what the handshake told of it: the service may quote it */
	struct aps_err refusal;  /* of its last connection */
	struct aps_time_question time_question;
	bool asks_proxy; /* what is being resolved is why a proxy failed, with this error if it doesn't tell: */
	struct aps_err proxy_err;
	bool wants_connect; /* the machine waits for a transport */
	bool is_paused;
	bool is_looking;         /* what is due waits for what the socket has */
	int64_t asked_ms;        /* when that was asked for last, */
	int64_t looked_ms;       /* and when what was answered: all that the service had sent by then is known */
	int64_t stopped_ms;      /* when it was paused last */
	int64_t resumed_ms;      /* after a pause that the peer may have noticed; 0: none on this connection */
	bool is_pumping;         /* its machine's actions are being carried out: the outermost call goes on */
	bool was_live;           /* a subscription was started on it */
	struct aps_bytes *bytes; /* of the frame in hand; borrowed */
	enum aps_conn_state state;
	uint64_t notices[APS_LINK_NOTICES]; /* hashes of texts that were logged */
	size_t n_notices;
	struct aps_reap reap;
};

APS_BEGIN_DECLS

/* In the list of its client's. NULL with *err. */
struct aps_link *aps_link_new(struct aps_core *core, struct aps_connections *all, struct aps_err *err);
/* On failure nothing was added. */
enum aps_rc aps_link_add(struct aps_core *core, struct aps_link *link, struct aps_feed *feed, struct aps_err *err);
void aps_link_set_online(struct aps_core *core, struct aps_link *link, bool is_online);
/* A sign that the network may be back. */
void aps_link_hint(struct aps_core *core, struct aps_link *link);
/* Ends all its feeds with this error and closes the connection at once. */
void aps_link_end(struct aps_core *core, struct aps_link *link, const struct aps_err *err);
/* Runs the machine's actions until there are none. */
void aps_link_pump(struct aps_core *core, struct aps_link *link);
/* Answers DO_CONNECT: material, address, socket. */
void aps_link_connect(struct aps_core *core, struct aps_link *link);
/* A connection ended with this error. True: a proxy is asked first for what libwebsockets didn't tell; the machine is
 * told then. */
bool aps_link_ask_proxy(struct aps_core *core, struct aps_link *link, const struct aps_err *err);
/* Of the link's own; the order of the others stays. */
void aps_link_put_first(struct aps_link *link, struct aps_feed *feed);
/* Feeds came or went, or headers came: nobody must wait for what nobody will answer. */
void aps_link_choose_again(struct aps_core *core, struct aps_link *link);
/* Gives up whatever of this is under way. */
void aps_link_stop_connecting(struct aps_core *core, struct aps_link *link);
/* The transport is there; graphql-transport-ws carries authorization in connection_init. */
void aps_link_opened(struct aps_core *core, struct aps_link *link);
/* The connection itself was refused as unauthorized. */
void aps_link_auth_refused(struct aps_core *core, struct aps_link *link, const struct aps_realtime_action *action);
/* For aps_link_connect(): a lease's and a sink's functions. */
void aps_link_decided(struct aps_core *core, struct aps_lease *lease, enum aps_lease_verdict verdict,
                      const struct aps_err *err);
void aps_link_resolved(struct aps_core *core, struct aps_answer_sink *sink, struct aps_http_answer *answer);
/* For aps_link_auth_refused(). */
void aps_link_time_answered(struct aps_core *core, struct aps_time_question *question, bool was_wrong);

APS_END_DECLS

#endif
