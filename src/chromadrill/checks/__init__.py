"""Pure functions: observation + fingerprint + objective -> verdict. They import the model only."""
