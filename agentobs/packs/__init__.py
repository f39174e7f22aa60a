"""Generators of dashboards, rules, alerts, runbook and collector configurations; imports only the catalogue."""
