"""Chat templates: programs from outside that turn messages into text."""
