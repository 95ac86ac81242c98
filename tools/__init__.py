"""Tools of the project itself: what keeps its documents and examples true."""
