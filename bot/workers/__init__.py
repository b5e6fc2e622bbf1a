"""Work that takes long: downloads, exports, imports, chores."""
