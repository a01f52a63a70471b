/* From the machine's wish for a transport to an open socket.
 *
 *   DO_CONNECT --> of whom? the oldest feed's credential (again whenever feeds come, go or get their headers)
 *                    | headers: asked for, where they are a function
 *                    | material (lease): USABLE | WAITING --> decided | FAILED --> its feeds end, the next one's is
 * tried
 *                    v
 *                  address: a transfer that only connects (no DNS on the realtime thread) | numeric: at once
 *                    v
 *                  WebSocket --OPENED--> aps_realtime_opened()
 *                            --proxy failed, without its status--> a transfer that only connects, through the proxy
 *
 *   Whatever fails here is told the machine like a closed connection: it says when to try again.
 *   AUTH_REFUSED of the connection --> lease: RENEWED --> the machine connects again
 *                                             REFUSED --> its feeds end; the machine goes on with the others
 *     but where it is signed and nobody has told the time: asked for --> the clock was wrong --> the machine connects
 *     again */
#include "base/clock.h"
#include "base/mem.h"
#include "client/link_state.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "codec/percent.h"
#include "net/endpoint.h"

#define HANDSHAKE_BYTES ((size_t)64 * 1024)

/* Text of one connect, all in one arena. */
struct handshake {
	struct aps_arena arena;
	struct aps_header_list list; /* headers of the upgrade */
	struct aps_buf protocols;
	struct aps_buf path;
	struct aps_endpoint endpoint;
};

void aps_link_stop_connecting(struct aps_core *core, struct aps_link *link)
{
	if (link->resolving != 0) aps_http_cancel(core->http, link->resolving);
	link->resolving = 0;
	link->asks_proxy = false;
	link->wants_connect = false;
	aps_lease_stop(&link->lease);
	aps_time_question_stop(core, &link->time_question);
}

static void connect_failed(struct aps_core *core, struct aps_link *link, const struct aps_err *err)
{
	link->wants_connect = false;
	aps_realtime_closed(link->machine, err, aps_clock_mono_ms());
	aps_link_pump(core, link);
}

/* Ends the feeds that connect as this credential; the caller goes on with the next one. */
static void end_feeds_of(struct aps_core *core, struct aps_link *link, const struct aps_credential *credential,
                         const struct aps_err *err)
{
	struct aps_feed *feed = link->feeds;
	while (feed != NULL) {
		struct aps_feed *next = feed->next;
		if (feed->lease.credential == credential) {
			aps_feed_ended(core, feed, err);
			aps_realtime_remove(link->machine, feed->number, aps_clock_mono_ms());
		}
		feed = next;
	}
}

/* As it goes over the wire: what is short in it isn't looked for within base64. */
static void keep_encoded(struct aps_link *link, struct aps_str encoded)
{
	aps_secrets_add_header(&link->sent, APS_STR("authorization"), encoded);
}

static enum aps_rc build_appsync(struct aps_link *link, const struct aps_feed *feed, struct handshake *shake,
                                 struct aps_err *err)
{
	struct aps_appsync_signing signing =
	        aps_credential_realtime_signing(link->lease.credential, &feed->topic->headers);
	struct aps_buf object;
	aps_buf_init(&object, HANDSHAKE_BYTES);
	enum aps_rc rc = aps_appsync_realtime_object(aps_lease_material(&link->lease), &signing, APS_APPSYNC_CONNECT,
	                                             APS_STR("{}"), &object, err);
	if (rc == APS_OK) aps_secrets_add_object(&link->sent, aps_buf_str(&object));
	if (rc == APS_OK && link->client->settings.query_handshake) {
		struct aps_buf text;
		aps_buf_init(&text, 2 * HANDSHAKE_BYTES);
		aps_base64_encode(&text, aps_buf_str(&object), APS_BASE64);
		keep_encoded(link, aps_buf_str(&text));
		bool has_query = aps_str_find(aps_buf_str(&shake->path), "?") != NULL;
		aps_buf_add_text(&shake->path, has_query ? "&header=" : "?header=");
		aps_percent_encode(&shake->path, aps_buf_str(&text), APS_PERCENT_ALL);
		aps_buf_add_text(&shake->path, "&payload=e30%3D"); /* {} */
		aps_buf_add_text(&shake->protocols, "graphql-ws");
		if (text.rc != APS_OK) rc = aps_fail(err, text.rc, "the authorization is too long for a URL");
		aps_buf_clear(&text);
	} else if (rc == APS_OK) {
		aps_buf_add_text(&shake->protocols, "graphql-ws, header-");
		size_t at = shake->protocols.n;
		aps_base64_encode(&shake->protocols, aps_buf_str(&object), APS_BASE64_URL);
		if (shake->protocols.rc == APS_OK)
			keep_encoded(link, (struct aps_str){shake->protocols.p + at, shake->protocols.n - at});
	}
	aps_buf_clear(&object);
	return rc;
}

/* Before all others: what the user wants of the upgrade counts most. */
static enum aps_rc add_upgrade_headers(const struct aps_link *link, struct aps_header_list *list, struct aps_err *err)
{
	const struct aps_upgrade_headers *own = link->client->settings.upgrade;
	for (size_t i = 0; own != NULL && i < own->list.n_items; i++)
		if (aps_header_list_add(list, own->list.items[i].name, own->list.items[i].value, err) != APS_OK)
			return err->code;
	return APS_OK;
}

/* graphql-transport-ws has no place of its own for authorization: the upgrade carries the headers, connection_init too.
 */
static enum aps_rc build_transport_ws(struct aps_link *link, const struct aps_feed *feed, struct handshake *shake,
                                      struct aps_err *err)
{
	aps_buf_add_text(&shake->protocols, "graphql-transport-ws");
	for (size_t i = 0; i < feed->topic->headers.n_items; i++) {
		const struct aps_header *header = &feed->topic->headers.items[i];
		if (aps_header_list_find(&shake->list, header->name.p) != NULL) continue;
		if (aps_header_list_add(&shake->list, header->name, header->value, err) != APS_OK) return err->code;
	}
	struct aps_appsync_signing signing = aps_credential_signing(link->lease.credential);
	enum aps_rc rc =
	        aps_appsync_http_headers(aps_lease_material(&link->lease), &signing, APS_STR(""), &shake->list, err);
	aps_secrets_add_headers(&link->sent, shake->list.items, shake->list.n_items);
	return rc;
}

static void clear_handshake(struct handshake *shake)
{
	aps_arena_clear(&shake->arena);
	aps_buf_clear(&shake->protocols);
	aps_buf_clear(&shake->path);
}

static size_t text_bytes(const char *text)
{
	return text != NULL ? strlen(text) : 0;
}

static size_t value_bytes(const struct aps_header_list *list)
{
	size_t n = 0;
	for (size_t i = 0; i < list->n_items; i++) n += list->items[i].value.n;
	return n;
}

/* Too long now is too long for ever: not an error that waiting helps against. */
static enum aps_rc too_long(const struct aps_link *link, const struct aps_feed *feed, struct aps_err *err)
{
	const struct aps_auth_material *material = &link->lease.credential->slot.material;
	size_t n_own = text_bytes(material->secret) + text_bytes(material->credentials.session_token);
	const struct aps_settings *settings = &link->client->settings;
	size_t n_headers = value_bytes(&feed->topic->headers);
	if (settings->upgrade != NULL) n_headers += value_bytes(&settings->upgrade->list);
	if (n_headers > n_own) return aps_fail(err, APS_E_TOO_BIG, "the headers are too long for a handshake");
	if (settings->query_handshake && settings->realtime.protocol == APS_REALTIME_APPSYNC)
		return aps_fail_word(err, APS_E_USAGE, "too_long", 0,
		                     "the authorization is too long for a URL: realtime.handshake = "
		                     "\"subprotocol\" takes a longer one");
	return aps_fail_word(err, APS_E_USAGE, "too_long", 0, "the authorization is too long for a handshake");
}

static enum aps_rc open_socket(struct aps_core *core, struct aps_link *link, struct handshake *shake,
                               const char *address, struct aps_err *err)
{
	const struct aps_settings *settings = &link->client->settings;
	bool is_appsync = settings->realtime.protocol == APS_REALTIME_APPSYNC;
	const struct aps_feed *feed = link->feeds;
	if (feed == NULL) return aps_fail(err, APS_E_CANCELLED, "nothing is subscribed any more");
	if (!link->lease.has_refreshed || link->sent.records.n > APS_SECRETS_OLD_BYTES) aps_secrets_clear(&link->sent);
	aps_buf_add_text(&shake->path, shake->endpoint.path);
	enum aps_rc rc = add_upgrade_headers(link, &shake->list, err);
	if (rc == APS_OK)
		rc = is_appsync ? build_appsync(link, feed, shake, err) : build_transport_ws(link, feed, shake, err);
	if (rc == APS_E_TOO_BIG || shake->protocols.rc == APS_E_TOO_BIG || shake->path.rc == APS_E_TOO_BIG)
		return too_long(link, feed, err);
	if (rc != APS_OK) return rc;
	if (shake->protocols.rc != APS_OK || shake->path.rc != APS_OK)
		return aps_fail(err, APS_E_NOMEM, "no memory for the handshake");
	struct aps_ws_connect connect = {
	        .is_tls = shake->endpoint.is_tls,
	        .host = shake->endpoint.host,
	        .port = shake->endpoint.port,
	        .address = settings->net.proxy != NULL ? shake->endpoint.host : address,
	        .proxy_address = settings->net.proxy != NULL ? address : NULL,
	        .path = shake->path.p,
	        .protocols = shake->protocols.p,
	        .expected_protocol = is_appsync ? "graphql-ws" : "graphql-transport-ws",
	        .headers = shake->list.items,
	        .n_headers = shake->list.n_items,
	        .options = &settings->net,
	        .connect_timeout_ms = settings->connect_timeout_ms,
	        .max_message_bytes = settings->max_message_bytes,
	};
	rc = aps_core_ws_connect(core, &link->frames, &connect, err);
	if (rc != APS_OK) return rc == APS_E_TOO_BIG ? too_long(link, feed, err) : rc;
	link->connection = connect.connection;
	link->is_paused = false;
	link->resumed_ms = 0;
	APS_STATS_ADD(link->client->stats, connections, 1);
	APS_STATS_ADD(link->client->stats, sockets, 1);
	aps_link_update_pause(core, link); /* a new one is read at first */
	return APS_OK;
}

static void open_at(struct aps_core *core, struct aps_link *link, const char *address)
{
	struct aps_err err = {0};
	struct handshake shake = {0};
	aps_arena_init(&shake.arena, HANDSHAKE_BYTES * 4);
	aps_header_list_init(&shake.list, &shake.arena);
	aps_buf_init(&shake.protocols, HANDSHAKE_BYTES);
	aps_buf_init(&shake.path, HANDSHAKE_BYTES);
	enum aps_rc rc = aps_endpoint_parse(link->client->settings.realtime_endpoint, &shake.endpoint, &err);
	if (rc == APS_OK) rc = open_socket(core, link, &shake, address, &err);
	aps_endpoint_clear(&shake.endpoint);
	clear_handshake(&shake);
	if (rc != APS_OK) connect_failed(core, link, &err);
}

/* A transfer that only connects; aps_link_resolved() is next. */
static enum aps_rc start_connect(struct aps_core *core, struct aps_link *link, const struct aps_endpoint *to,
                                 const struct aps_net_options *options, struct aps_err *err)
{
	int64_t timeout_ms = link->client->settings.connect_timeout_ms;
	struct aps_buf target;
	aps_buf_init(&target, HANDSHAKE_BYTES);
	aps_buf_add_text(&target, "http://");
	aps_endpoint_add_authority(&target, to->host, to->port, 80);
	aps_buf_add_byte(&target, '/');
	struct aps_http_request request = {
	        .method = "GET",
	        .url = target.p,
	        .options = options,
	        .connect_timeout_ms = timeout_ms,
	        .timeout_ms = timeout_ms,
	        .max_response_bytes = 1024,
	        .is_resolve_only = true,
	        .tag = &link->resolved,
	};
	enum aps_rc rc = target.rc == APS_OK ? aps_http_start(core->http, &request, &link->resolving, err)
	                                     : aps_fail(err, target.rc, "no memory for the address");
	aps_buf_clear(&target);
	return rc;
}

/* No name is looked up on the realtime thread: libwebsockets would block all its sockets for it. */
static void resolve(struct aps_core *core, struct aps_link *link)
{
	static const struct aps_net_options DIRECT = {.verify = true};
	const struct aps_settings *settings = &link->client->settings;
	struct aps_endpoint endpoint = {0};
	struct aps_err err = {0};
	const char *url = settings->net.proxy != NULL ? settings->net.proxy : settings->realtime_endpoint;
	enum aps_rc rc = aps_endpoint_parse(url, &endpoint, &err);
	if (rc == APS_OK && aps_endpoint_is_numeric(&endpoint))
		open_at(core, link, endpoint.host);
	else if (rc == APS_OK)
		rc = start_connect(core, link, &endpoint, &DIRECT, &err);
	aps_endpoint_clear(&endpoint);
	if (rc != APS_OK) connect_failed(core, link, &err);
}

bool aps_link_ask_proxy(struct aps_core *core, struct aps_link *link, const struct aps_err *err)
{
	const struct aps_settings *settings = &link->client->settings;
	const char *word = aps_err_word(err);
	bool is_told = word == NULL || strcmp(word, "proxy") != 0 || err->native != 0;
	if (is_told || settings->net.proxy == NULL || link->n_feeds == 0) return false;
	struct aps_endpoint endpoint = {0};
	struct aps_err unused;
	link->proxy_err = *err;
	enum aps_rc rc = aps_endpoint_parse(settings->realtime_endpoint, &endpoint, &unused);
	if (rc == APS_OK) rc = start_connect(core, link, &endpoint, &settings->net, &unused);
	aps_endpoint_clear(&endpoint);
	link->asks_proxy = rc == APS_OK;
	return link->asks_proxy;
}

void aps_link_resolved(struct aps_core *core, struct aps_answer_sink *sink, struct aps_http_answer *answer)
{
	struct aps_link *link = APS_CONTAINER_OF(sink, struct aps_link, resolved);
	link->resolving = 0;
	if (link->asks_proxy) {
		link->asks_proxy = false;
		connect_failed(core, link, answer->err.code != APS_OK ? &answer->err : &link->proxy_err);
		return;
	}
	if (answer->err.code == APS_E_NETWORK && link->client->settings.net.proxy != NULL) {
		answer->err.word = "proxy";
		connect_failed(core, link, &answer->err);
	} else if (answer->err.code != APS_OK)
		connect_failed(core, link, &answer->err);
	else
		open_at(core, link, answer->address);
}

/* A subscription that once worked outlives a token function that fails for a while, as it may without a network: it is
 * asked again with the next attempt. */
static bool outlives_failure(const struct aps_link *link)
{
	const struct aps_feed *feed = link->feeds;
	return feed != NULL && feed->was_started && feed->lease.credential->slot.is_dynamic;
}

/* Nobody could be asked for the headers: the machine tries again. */
static void fail_without_memory(struct aps_core *core, struct aps_link *link)
{
	struct aps_err err;
	aps_fail(&err, APS_E_NOMEM, "out of memory");
	connect_failed(core, link, &err);
}

/* The first feed that has its headers comes first among them, so that a function that doesn't answer holds back its own
 * feed alone. Where none has them, the next function is asked.
 */
static bool choose_feed(struct aps_core *core, struct aps_link *link)
{
	for (struct aps_feed *feed = link->feeds; feed != NULL; feed = feed->next) {
		if (feed->topic->has_dynamic_headers && !feed->has_fresh_headers) continue;
		aps_link_put_first(link, feed);
		return true;
	}
	for (struct aps_feed *feed = link->feeds; feed != NULL; feed = feed->next) {
		if (feed->asked != NULL) continue;
		if (!aps_feed_has_headers(core, feed) && feed->asked == NULL) fail_without_memory(core, link);
		break;
	}
	return false;
}

/* Takes the credential of that feed; where that has no usable material, its feeds end and the next one's is tried. */
static void connect_as_somebody(struct aps_core *core, struct aps_link *link)
{
	while (link->wants_connect && link->feeds != NULL) {
		struct aps_err err;
		if (!choose_feed(core, link)) return;
		const struct aps_feed *feed = link->feeds;
		if (link->lease.credential != feed->lease.credential)
			aps_lease_hold(core, &link->lease, feed->topic->credential); /* which the feed holds */
		enum aps_lease_verdict verdict = aps_lease_use(core, &link->lease, &err);
		if (verdict == APS_LEASE_WAITING) return;
		if (verdict == APS_LEASE_USABLE) {
			resolve(core, link);
			return;
		}
		if (outlives_failure(link)) {
			err.retryable = true; /* the machine tries again */
			connect_failed(core, link, &err);
			return;
		}
		end_feeds_of(core, link, link->lease.credential, &err);
	}
}

/* What fails at once may end the last feed: the link stays until the caller pumps it. */
static void try_connect(struct aps_core *core, struct aps_link *link)
{
	bool was_pumping = link->is_pumping;
	link->is_pumping = true;
	connect_as_somebody(core, link);
	link->is_pumping = was_pumping;
}

void aps_link_connect(struct aps_core *core, struct aps_link *link)
{
	link->wants_connect = true;
	for (struct aps_feed *feed = link->feeds; feed != NULL; feed = feed->next) {
		feed->has_fresh_headers = false;
		feed->wants_start = false; /* that was the connection before */
	}
	try_connect(core, link);
}

static bool has_feed_of(const struct aps_link *link, const struct aps_credential *credential)
{
	for (const struct aps_feed *feed = link->feeds; feed != NULL; feed = feed->next)
		if (feed->lease.credential == credential) return true;
	return false;
}

void aps_link_choose_again(struct aps_core *core, struct aps_link *link)
{
	if (link->lease.is_renewing && !has_feed_of(link, link->lease.credential)) {
		aps_lease_stop(&link->lease);
		aps_realtime_retry_auth(link->machine, 0, false, aps_clock_mono_ms());
	}
	if (!link->wants_connect || link->connection != 0 || link->resolving != 0) return;
	const struct aps_feed *feed = link->feeds;
	if (feed != NULL && feed->lease.credential != link->lease.credential) aps_lease_stop(&link->lease);
	if (!aps_lease_is_waiting(&link->lease)) try_connect(core, link);
}

/* `outlives`: it tries again with what it has. `why`: of REFUSED, where more is known than what the service said; or
 * NULL. */
static void follow_refusal(struct aps_core *core, struct aps_link *link, enum aps_lease_verdict verdict, bool outlives,
                           const struct aps_err *why)
{
	if (verdict == APS_LEASE_WAITING) return;
	if (verdict == APS_LEASE_REFUSED && !outlives) {
		struct aps_err err = why != NULL && why->code != APS_OK ? *why : link->refusal;
		end_feeds_of(core, link, link->lease.credential, &err);
	}
	aps_realtime_retry_auth(link->machine, 0, verdict == APS_LEASE_RENEWED, aps_clock_mono_ms());
	aps_link_pump(core, link);
}

void aps_link_decided(struct aps_core *core, struct aps_lease *lease, enum aps_lease_verdict verdict,
                      const struct aps_err *err)
{
	struct aps_link *link = APS_CONTAINER_OF(lease, struct aps_link, lease);
	if (verdict == APS_LEASE_RENEWED || verdict == APS_LEASE_REFUSED) {
		follow_refusal(core, link, verdict, outlives_failure(link), err);
	} else {
		try_connect(core, link); /* asks again, which is answered at once */
		aps_link_pump(core, link);
	}
}

static void take_refusal(struct aps_core *core, struct aps_link *link)
{
	struct aps_err why;
	enum aps_lease_verdict verdict = aps_lease_refused(core, &link->lease, &why);
	follow_refusal(core, link, verdict, false, &why);
}

void aps_link_time_answered(struct aps_core *core, struct aps_time_question *question, bool was_wrong)
{
	struct aps_link *link = APS_CONTAINER_OF(question, struct aps_link, time_question);
	if (was_wrong)
		follow_refusal(core, link, APS_LEASE_RENEWED, false, NULL);
	else
		take_refusal(core, link);
}

void aps_link_auth_refused(struct aps_core *core, struct aps_link *link, const struct aps_realtime_action *action)
{
	link->refusal = *action->err;
	for (struct aps_feed *feed = link->feeds; feed != NULL; feed = feed->next)
		if (feed->lease.credential == link->lease.credential) aps_feed_tell(feed, action->payload);
	const struct aps_credential *credential = link->lease.credential;
	bool is_signed = credential != NULL && credential->slot.mode == APS_AUTH_IAM;
	if (action->is_final)
		follow_refusal(core, link, APS_LEASE_REFUSED, false, NULL);
	else if (!is_signed || !aps_time_question_ask(core, &link->time_question))
		take_refusal(core, link);
}

/* connection_init's payload for graphql-transport-ws: the headers, flat and under "headers" (servers differ). */
static void write_init(struct aps_link *link, struct aps_buf *out)
{
	struct aps_arena arena;
	struct aps_header_list list;
	struct aps_err err;
	struct aps_appsync_signing signing = aps_credential_signing(link->lease.credential);
	const struct aps_feed *feed = link->feeds;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE); /* the upgrade took them already */
	aps_header_list_init(&list, &arena);
	for (size_t i = 0; feed != NULL && i < feed->topic->headers.n_items; i++)
		aps_header_list_add(&list, feed->topic->headers.items[i].name, feed->topic->headers.items[i].value,
		                    &err);
	aps_appsync_http_headers(&link->lease.credential->slot.material, &signing, APS_STR(""), &list, &err);
	aps_secrets_add_headers(&link->sent, list.items, list.n_items);
	struct aps_json_writer w;
	aps_json_writer_init(&w, out);
	aps_json_write_object(&w);
	for (size_t i = 0; i < list.n_items; i++) {
		aps_json_write_key(&w, list.items[i].name);
		aps_json_write_string(&w, list.items[i].value);
	}
	aps_json_write_key(&w, APS_STR("headers"));
	aps_json_write_object(&w);
	for (size_t i = 0; i < list.n_items; i++) {
		aps_json_write_key(&w, list.items[i].name);
		aps_json_write_string(&w, list.items[i].value);
	}
	aps_json_write_object_end(&w);
	aps_json_write_object_end(&w);
	if (aps_json_writer_finish(&w) != APS_OK) aps_buf_reset(out);
	aps_arena_clear(&arena);
}

void aps_link_opened(struct aps_core *core APS_UNUSED, struct aps_link *link)
{
	struct aps_buf init;
	aps_buf_init(&init, 4 * HANDSHAKE_BYTES); /* the headers of the upgrade twice, escaped */
	link->wants_connect = false;
	if (link->client->settings.realtime.protocol == APS_REALTIME_TRANSPORT_WS && link->lease.credential != NULL)
		write_init(link, &init);
	aps_realtime_opened(link->machine, aps_buf_str(&init), aps_clock_mono_ms());
	/* A subscriber that was full already had it paused while it was being opened. */
	if (link->is_paused) aps_realtime_paused(link->machine, true, aps_clock_mono_ms());
	aps_buf_clear(&init);
}
