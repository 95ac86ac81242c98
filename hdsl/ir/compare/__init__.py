"""What two models mean, compared: ``meaning`` makes facts of a model, ``difference`` compares them.

Pure: names, levels and expressions; no text of a file but where it stands.
"""
