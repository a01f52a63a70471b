/* A look at the other processes that have a vault's file, whenever one of them knocks (client/neighbours.h), and from
 * time to time: what they have committed, whether they are there, whether one of them leads, and what those that are no
 * more have left. @thread core */
#ifndef APS_CLIENT_SHARING_H
#define APS_CLIENT_SHARING_H

#include "client/vault.h"

#define APS_SHARING_LOOK_MS  250  /* while others are there, */
#define APS_SHARING_LEAD_MS  500  /* whether one may lead, */
#define APS_SHARING_ALONE_MS 1000 /* and whether others have come */
#define APS_SHARING_REST_MS  20   /* between two looks for the sake of what nobody waits for */

APS_BEGIN_DECLS

/* From now on, until the vault is closed. Twice is legal. */
void aps_sharing_begin(struct aps_vault *vault);
/* Somebody has knocked, and said this (enum aps_knock). */
void aps_sharing_heed(struct aps_vault *vault, unsigned what, int64_t now_ms);

APS_END_DECLS

#endif
