"""What slides show: Deep Zoom tiles, labels and image properties, read from slide files or drawn."""
