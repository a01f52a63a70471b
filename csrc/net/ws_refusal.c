#include "net/ws_refusal.h"

#include "base/mem.h"
#include "base/str.h"
#include "codec/status.h"
#include "codec/url.h"

#include <poll.h>
#include <string.h>

#define BODY_WAIT_MS  20
#define WAIT_EVERY_US ((lws_usec_t)1000 * 1000)
#define MAX_READS     8

static void take_target(struct aps_ws_refusal *refusal, struct lws *wsi)
{
	int n = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_LOCATION);
	if (refusal->status < 300 || refusal->status > 399 || n <= 0) return;
	char *url = aps_malloc((size_t)n + 1);
	if (url != NULL && lws_hdr_copy(wsi, url, n + 1, WSI_TOKEN_HTTP_LOCATION) > 0)
		aps_url_show(aps_str_of(url), refusal->target);
	aps_free(url);
}

static bool is_announced_empty(struct lws *wsi)
{
	char length[24] = "";
	return lws_hdr_copy(wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 && strcmp(length, "0") == 0;
}

static bool wait_for_more(struct lws *wsi, lws_usec_t *waited_us)
{
	lws_usec_t now_us = lws_now_usecs();
	if (*waited_us != 0 && now_us - *waited_us < WAIT_EVERY_US) return false;
	*waited_us = now_us;
	struct pollfd one = {.fd = lws_get_socket_fd(wsi), .events = POLLIN};
	return poll(&one, 1, BODY_WAIT_MS) == 1;
}

bool aps_ws_refusal_take(struct aps_ws_refusal *refusal, struct lws *wsi, lws_usec_t *waited_us)
{
	long status = (long)lws_http_client_http_response(wsi);
	if (status == 101) return false;
	refusal->status = status;
	take_target(refusal, wsi);
	if (is_announced_empty(wsi)) return true;
	for (int i = 0; i < MAX_READS && refusal->n_body < sizeof refusal->body - 1; i++) {
		char room[1024];
		char *p = room;
		int n = (int)sizeof room;
		size_t n_before = refusal->n_body;
		if (lws_http_client_read(wsi, &p, &n) != 0) break; /* it is whole, or the connection has ended */
		if (refusal->n_body == n_before && !wait_for_more(wsi, waited_us)) break;
	}
	return true;
}

int aps_ws_refusal_add(struct aps_ws_refusal *refusal, const char *p, size_t n)
{
	char *body = refusal->body;
	for (size_t i = 0; i < n && refusal->n_body < sizeof refusal->body - 1; i++) {
		bool is_space = strchr(" \t\r\n", p[i]) != NULL && p[i] != '\0';
		if (is_space && (refusal->n_body == 0 || body[refusal->n_body - 1] == ' ')) continue;
		body[refusal->n_body++] = is_space ? ' ' : (p[i] == '\0' ? '?' : p[i]);
	}
	body[refusal->n_body] = '\0';
	return refusal->n_body < sizeof refusal->body - 1 ? 0 : -1;
}

void aps_ws_refusal_fill(const struct aps_ws_refusal *refusal, const char *host, struct aps_err *err)
{
	long status = refusal->status;
	bool is_auth = status == 401 || status == 403;
	bool is_redirect = refusal->target[0] != '\0';
	struct aps_str body = aps_str_trim((struct aps_str){refusal->body, refusal->n_body});
	aps_fail_word(err, is_auth ? APS_E_AUTH : APS_E_HTTP, "upgrade_refused", status,
	              "the WebSocket was refused with HTTP status %ld by %s%s%s%s%.*s", status, host,
	              is_redirect ? ", which redirects to " : "", refusal->target, body.n != 0 ? ": " : "", (int)body.n,
	              body.p);
	err->retryable = aps_status_is_passing(status);
}
