/* The parts of an HTTP answer, cut out of text. Pure. */
#ifndef APS_NET_ANSWER_H
#define APS_NET_ANSWER_H

#include "net/http.h"

APS_BEGIN_DECLS

/* Copies header lines ("Name: value" CR LF, n_lines of them) and cuts them up; false when memory is out. */
bool aps_answer_take_headers(struct aps_http_answer *answer, struct aps_str lines, size_t n_lines);
/* "host:port" of a URL, without a user name or password. */
struct aps_str aps_answer_url_host(struct aps_str url);

APS_END_DECLS

#endif
