"""The verb `sort`: decide about each picture, place it, write manifest and contact sheet."""
