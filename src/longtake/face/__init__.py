"""Where the face is, who it is, and which parts of the picture belong to lip, face and pose."""
