"""The guards by name: each module holds one, and its wording lies beside it."""
