"""`geophone crm`: what an event leads to, is the CRM set up for it, what it had refused again."""
