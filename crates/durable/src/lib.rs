//! Files that survive a power cut, and the seam at which tests cut it.
