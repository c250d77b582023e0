package store

// initialMap is none here: Windows grows the file itself to the mapped size.
const initialMap = 0
