/* What comes of a request: a response and what it means, or the error that there is none. Pure but for memory. */
#ifndef APS_CLIENT_OUTCOME_H
#define APS_CLIENT_OUTCOME_H

#include "auth/secrets.h"
#include "net/http.h"
#include "proto/gqlhttp.h"

struct aps_outcome {
	struct aps_http_answer answer;        /* body and headers; empty without a response */
	struct aps_gqlhttp_response response; /* spans into answer.body; response.err is the outcome */
	struct aps_arena decoded;             /* backs response.error_type */
	unsigned n_attempts;                  /* requests that were begun */
};

APS_BEGIN_DECLS

/* An empty one. */
void aps_outcome_init(struct aps_outcome *outcome);
/* What the answer has is moved into it; what it means isn't looked at. */
void aps_outcome_init_answer(struct aps_outcome *outcome, struct aps_http_answer *answer);
/* No response, only an error. */
void aps_outcome_init_err(struct aps_outcome *outcome, const struct aps_err *err);
/* Twice is legal. */
void aps_outcome_clear(struct aps_outcome *outcome);
/* Into *to, which holds nothing; *from is empty afterwards. */
void aps_outcome_move(struct aps_outcome *to, struct aps_outcome *from);
/* Into *to, which holds nothing: the same for somebody else, who owns it. Without memory it is the error that says so.
 */
void aps_outcome_dup(struct aps_outcome *to, const struct aps_outcome *from);

/* Understands status and body: fills `response`. */
void aps_outcome_read(struct aps_outcome *outcome);
/* Of one that was read and means a failure: masks the secrets that it quotes. Its meaning stays. */
void aps_outcome_mask(struct aps_outcome *outcome, const struct aps_secrets *secrets);

APS_END_DECLS

#endif
