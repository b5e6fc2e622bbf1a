"""Work that takes long: downloads, exports, imports, publishing forms, calls of receivers, chores."""
