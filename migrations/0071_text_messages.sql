-- Text messages go through the webhook queue; what becomes of one is written to its deliveries.
CREATE INDEX notification_deliveries_webhook ON notification_deliveries (webhook_event_id);
