"""Pure functions: observation + fingerprint + objective -> verdict. They read no file and no clock."""
