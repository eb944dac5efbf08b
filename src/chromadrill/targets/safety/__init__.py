"""What a drill may do to what it does not own: asked before anything is done."""
