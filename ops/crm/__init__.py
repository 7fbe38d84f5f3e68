"""`geophone crm`: what would become of an event in the CRM, and is the CRM set up for it."""
