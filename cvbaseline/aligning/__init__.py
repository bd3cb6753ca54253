"""Boxes of annotated pictures moved to where a cascade sees the objects best."""
