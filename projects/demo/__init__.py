"""The demo world, its one-procedure story, and the director that keeps live selections coming."""
