"""What every other wing builds on: nouns, protocols, settings, errors, clocks. No Chroma in it."""
