"""From files to clips to spectrograms, split into datasets; the data may exceed memory."""
