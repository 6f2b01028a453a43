"""The sites of the dojo, one state machine each."""
