"""In the test run, every array shape that a signature of longtake promises is checked."""

from jaxtyping import install_import_hook

install_import_hook("longtake", "shapes.checked")
