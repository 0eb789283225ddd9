"""What runs a bundle's models, without torch."""
