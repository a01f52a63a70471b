/* What a service says on a realtime connection may quote what it was sent there. */
#include "auth/mask.h"
#include "client/link_state.h"

static void collect(const struct aps_client *client, struct aps_secrets *secrets)
{
	aps_secrets_init(secrets);
	for (const struct aps_link *link = client->links; link != NULL; link = link->next) {
		aps_secrets_add_all(secrets, &link->sent);
		if (link->identity != NULL) aps_secrets_add_material(secrets, &link->identity->slot.material);
	}
	for (const struct aps_feed *feed = client->feeds; feed != NULL; feed = feed->next) {
		aps_secrets_add_all(secrets, &feed->sent);
		aps_secrets_add_headers(secrets, feed->what->headers.items, feed->what->headers.n_items);
		if (feed->identity != NULL) aps_secrets_add_material(secrets, &feed->identity->slot.material);
	}
	aps_secrets_add_url(secrets, client->settings.net.proxy);
	aps_secrets_add_url(secrets, client->settings.endpoint);
	aps_secrets_add_url(secrets, client->settings.realtime_endpoint);
}

void aps_link_mask(const struct aps_client *client, char *text, size_t n, struct aps_str kept)
{
	struct aps_secrets secrets;
	collect(client, &secrets);
	aps_mask(&secrets, text, n, kept);
	aps_secrets_clear(&secrets);
}

void aps_link_mask_err(const struct aps_client *client, struct aps_err *err)
{
	aps_link_mask(client, err->msg, strlen(err->msg), APS_STR(""));
}
