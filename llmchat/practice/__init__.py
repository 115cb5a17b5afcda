"""The practice model: its lessons, the training that turns them into a GGUF file, its measure."""
