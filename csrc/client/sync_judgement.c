#include "client/sync_judgement.h"

void aps_sync_judgement_init(struct aps_sync_judgement *judgement)
{
	*judgement = (struct aps_sync_judgement){.n_of = {0}};
	aps_buf_init(&judgement->records, APS_BUF_ANY_SIZE);
	aps_buf_init(&judgement->keys, APS_BUF_ANY_SIZE);
}

void aps_sync_judgement_clear(struct aps_sync_judgement *judgement)
{
	aps_buf_clear(&judgement->records);
	aps_buf_clear(&judgement->keys);
}
