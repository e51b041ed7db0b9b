"""Files to clips to spectrograms, split into datasets; also where they are larger than memory."""
