"""The PostgreSQL schema `profile`: users, the log of taste events, and what is derived from it."""
