"""Making the numbers and networks that ship with vision; nothing here runs in the service."""
