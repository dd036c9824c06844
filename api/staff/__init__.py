"""What a restaurant's staff call: flash sales they run, stock, settings."""
