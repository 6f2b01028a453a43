"""What proposes prefixes to the search: a grammar, a local model, a model behind HTTP."""
