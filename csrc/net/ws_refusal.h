/* What a server says that refuses an upgrade, taken while libwebsockets has it. @thread net */
#ifndef APS_NET_WS_REFUSAL_H
#define APS_NET_WS_REFUSAL_H

#include "base/err.h"
#include "codec/url.h"

#include <libwebsockets.h>

struct aps_ws_refusal {
	long status;                      /* 0: there was no answer, or it was 101 */
	char target[APS_URL_SHOWN_CHARS]; /* of a redirect, without user, query and fragment, where secrets stand; "":
	                                     none */
	char body[128];                   /* its beginning, on one line */
	size_t n_body;
};

APS_BEGIN_DECLS

/* At LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP. True: the upgrade is refused. A body that comes behind its head is waited
 * for, a few milliseconds and once a second at most: all sockets of the thread wait with it. `waited_us`: when that was
 * last.
 */
bool aps_ws_refusal_take(struct aps_ws_refusal *refusal, struct lws *wsi, lws_usec_t *waited_us);
/* At LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ, which is called from within the former. Nonzero: it is enough. */
int aps_ws_refusal_add(struct aps_ws_refusal *refusal, const char *p, size_t n);
/* E_AUTH for 401 and 403, else E_HTTP; native: the status. */
void aps_ws_refusal_fill(const struct aps_ws_refusal *refusal, const char *host, struct aps_err *err);

APS_END_DECLS

#endif
