"""`geophone demo`: the main job, played, shown and checked."""
