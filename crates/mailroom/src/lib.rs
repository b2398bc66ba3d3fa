//! What is done with mail: delivery, reading, import, export.
