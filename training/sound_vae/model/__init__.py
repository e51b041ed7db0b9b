"""What is learned: the spectrogram, the networks, and where in latent space sounds lie."""
