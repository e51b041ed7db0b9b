"""The folders of the data bucket. Everything that names one, names it through these."""

AUDIO = "audio/"  # yours: recordings
SPECTROGRAMS = "spectrograms/"  # yours: prepared .npy files, in place of recordings
CODE = "code/"  # CODE<hash>/sourcedir.tar.gz, the training source
MODELS = "models/"  # MODELS + starter/model.tar.gz
OUTPUT = "output/"  # OUTPUT<training job>/output/model.tar.gz
PREPARED = "prepared/"  # PREPARED<hash>/, sounds in shards; can be deleted, and is made again
REQUESTS = "requests/"  # yours: files of requests, for sounds in bulk
GENERATED = "generated/"  # GENERATED<run>/, what these made
CHECKPOINTS = "checkpoints/"  # CHECKPOINTS<run>/, what an interrupted job goes on from
