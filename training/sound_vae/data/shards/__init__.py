"""A folder of sounds prepared once: spectrograms in shards that training reads as a stream.

    manifest/framing.json      how the sounds are framed, which is decided once
    manifest/listing.json      which files of the folder are no sounds
    manifest/stale.json        which lines of the parts hold no more: files that changed or went
    manifest/parts/NAME.jsonl  what the shard NAME holds, and which files could not be used
    shards/NAME.tfrecord       spectrograms, each as long as its sound

A file is told from what it was before by its ETag. Each shard is a random choice of the files, so
that clips that follow each other in it have nothing in common.
"""
