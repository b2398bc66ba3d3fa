//! A message as bytes and as structure: envelope, MIME parts, sections, text.
