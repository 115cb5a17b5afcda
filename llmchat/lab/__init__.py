"""What a knob does: several answers, and how they differ."""
