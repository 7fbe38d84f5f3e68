"""From the raw topic to event topics, task commands and the CRM. Never imports ingress."""
