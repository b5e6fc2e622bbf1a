"""The HTTP servers: the webhook, `/healthz`, `/readyz` and `/metrics`."""
