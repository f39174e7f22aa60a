"""What happened, as plain data: one file per subject, no state of whoever reads or writes it.

Integrations and verbs fill these records, the emitters turn them into spans, metrics and events. Nothing here imports a
client library or OpenTelemetry. Missing always means `None`: "nobody reported it", which is never the same as 0.
"""
