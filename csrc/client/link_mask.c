/* What a service says on a realtime connection may quote what it was sent there. */
#include "auth/mask.h"
#include "client/link_state.h"

static void add_link(struct aps_secrets *secrets, const struct aps_link *link)
{
	aps_secrets_add_all(secrets, &link->sent);
	if (link->lease.credential != NULL) aps_secrets_add_material(secrets, &link->lease.credential->slot.material);
}

static void add_feed(struct aps_secrets *secrets, const struct aps_feed *feed)
{
	aps_secrets_add_all(secrets, &feed->sent);
	aps_secrets_add_headers(secrets, feed->topic->headers.items, feed->topic->headers.n_items);
	if (feed->lease.credential != NULL) aps_secrets_add_material(secrets, &feed->lease.credential->slot.material);
}

static void add_client(struct aps_secrets *secrets, const struct aps_client *client)
{
	aps_secrets_add_url(secrets, client->settings.net.proxy);
	aps_secrets_add_url(secrets, client->settings.endpoint);
	aps_secrets_add_url(secrets, client->settings.realtime_endpoint);
	const struct aps_upgrade_headers *upgrade = client->settings.upgrade;
	if (upgrade != NULL) aps_secrets_add_headers(secrets, upgrade->list.items, upgrade->list.n_items);
}

void aps_feed_secrets(const struct aps_feed *feed, struct aps_secrets *secrets)
{
	aps_secrets_init(secrets);
	add_feed(secrets, feed);
	if (feed->link != NULL) add_link(secrets, feed->link);
	add_client(secrets, feed->client);
}

void aps_feed_mask(const struct aps_feed *feed, char *text, size_t n, struct aps_str kept)
{
	struct aps_secrets secrets;
	aps_feed_secrets(feed, &secrets);
	aps_mask(&secrets, text, n, kept);
	aps_secrets_clear(&secrets);
}

void aps_link_mask(const struct aps_link *link, char *text)
{
	struct aps_secrets secrets;
	aps_secrets_init(&secrets);
	add_link(&secrets, link);
	for (const struct aps_feed *feed = link->feeds; feed != NULL; feed = feed->next) add_feed(&secrets, feed);
	add_client(&secrets, link->client);
	aps_mask(&secrets, text, strlen(text), APS_STR(""));
	aps_secrets_clear(&secrets);
}
