"""From trained weights to a bundle: exporters, quantisation, and the gate that refuses what does not agree."""
