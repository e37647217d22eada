"""The small runtime that every Vitrine service shares."""
