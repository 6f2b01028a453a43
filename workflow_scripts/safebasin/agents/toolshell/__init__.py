"""The tool shell: an agent that acts by short Python on a small tree of files and a mail box."""
